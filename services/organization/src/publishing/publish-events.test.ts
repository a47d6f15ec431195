// Messages and decisions in the stream, on a real NATS server and a real PostgreSQL, by a process that is killed at the worst places.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type TestBus, testBus } from '@deed/local/test-bus'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { proposeDecision } from '@deed/proto/decision'
import { listRoles, ORG_STREAM } from '@deed/proto/organization'
import { sendMessage } from '@deed/proto/organization-notes'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'

const opened = new AsyncDisposableStack()
let nats: TestBus
let database: TestDatabase<unknown>
let bus: Bus
let authority: string
beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  nats = opened.use(await testBus())
  database = opened.use(await testDatabase('organization', migrations))
  authority = join(folder.path, 'authority.yaml')
  writeFileSync(authority, 'version: test\ntotal_usd: 1\ndecisions: { hold: { by: [cto], mode: autonomous } }\n')
  bus = await nats.bus('deed')
})
afterAll(() => opened.disposeAsync())

const as = (user: string) => ({ principal: { tenant: 'local', user } })

async function start(crashAt = ''): Promise<ChildProcess> {
  const env = {
    ...{ PATH: process.env.PATH, ...nats.environment('organization'), DATABASE_URL: database.url },
    ...{ DEED_AUTHORITY: authority, DEED_TEST: '1', DEED_CRASH_AT: crashAt, LOG_LEVEL: 'silent' },
  }
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], { env, stdio: 'ignore' })
  opened.defer(() => void child.kill('SIGKILL'))
  const answers = () =>
    bus.call(listRoles, {}, as('ann')).then(
      () => true,
      () => false,
    )
  await until(answers, { what: 'an answer of the organization' })
  return child
}

/** The ids in the stream, and its subjects, in its order. */
async function stored(): Promise<{ id: string; subject: string }[]> {
  const { streams } = await bus.nc.jetstreamManager()
  const { first_seq, last_seq } = (await streams.info(ORG_STREAM)).state
  const found: { id: string; subject: string }[] = []
  for (let seq = first_seq; seq <= last_seq; seq++) {
    const { header, subject } = await streams.getMessage(ORG_STREAM, { seq })
    found.push({ id: header.get('Nats-Msg-Id'), subject })
  }
  return found
}

const column = async (name: string, text: string): Promise<string[]> =>
  (await database.query<{ id: string }>(name, text, [])).map(({ id }) => id)

it.each(['organization.before_publish', 'organization.after_publish'])(
  'what was committed is in the stream once when the organization is killed at %s',
  async (place) => {
    const child = await start(place)
    const exit = once(child, 'exit')
    const message = { to: 'all', type: 'notification', subject: place, content: 'a message' } as const
    const details = { hours: 1 }
    // The process may die before it answers.
    await Promise.allSettled([
      bus.call(sendMessage, message, { ...as('ceo'), timeoutMs: 2_000 }),
      bus.call(
        proposeDecision,
        { type: 'hold', subject: { name: place, details }, rationale: 'a test' },
        { ...as('cto'), timeoutMs: 2_000 },
      ),
    ])
    expect((await exit)[1]).toBe('SIGKILL')
    const again = await start()
    await until(async () => (await column('outbox', 'select seq::text as id from outbox')).length === 0, {
      what: 'an empty outbox',
    })
    const messages = await column('messages', 'select message_id as id from messages')
    const decisions = await column('decisions', 'select decision_id as id from decisions')
    expect(messages.length).toBeGreaterThan(0)
    const ids = (await stored()).map(({ id }) => id)
    const expected = [...messages, ...decisions.flatMap((id) => [`${id}:new`, `${id}:completed`])]
    expect(ids.toSorted()).toEqual(expected.toSorted())
    again.kill()
    await once(again, 'exit')
  },
)

it('the channels are the subjects, and a message is there with its text, its thread and its hop', async () => {
  const found = await stored()
  expect(new Set(found.map(({ subject }) => subject))).toContain('messages.local.all')
  const { streams } = await bus.nc.jetstreamManager()
  const last = await streams.getMessage(ORG_STREAM, { last_by_subj: 'messages.local.all' })
  const [row] = await database.query<{ thread_id: string }>(
    'thread',
    'select thread_id from messages order by message_id desc limit 1',
    [],
  )
  expect(last.json()).toMatchObject({ from: 'ceo', to: 'all', content: 'a message', hop: 1, thread_id: row?.thread_id })
  const { config } = await streams.info(ORG_STREAM)
  expect(config).toMatchObject({ retention: 'limits', storage: 'file', max_age: 30 * 24 * 3_600 * 1e9 })
})
