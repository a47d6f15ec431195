// A server or a service that answers publishes what a caller chose to where the caller chose. Every verb of every
// caller is tried with every reply subject that would act inside, on a whole mesh: none of it arrives inside.
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { MANIFEST_BUCKET } from '@deed/proto/manifest'
import { CALLERS, ROLE_VERBS } from '@deed/proto/permissions'
import { headers as newHeaders } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlainClient, plainClient } from './plain-client.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let operator: PlainClient
/** What arrived on a reply subject of the table below, in the account of the mesh. */
const arrived: string[] = []

/** Where an answer would act: none of these is published to in a mesh that rests. */
const TARGETS = [
  'approval.decide.local.approver',
  'approval.decide.local.somebody',
  'grant.put.local.approver',
  'execution.request.acme.ada',
  'execution.submit.acme.ada',
  'goal.put.acme.ada',
  'work.act.local',
  'work.solve.local',
  'action.lamp-switch.execute',
  'event.execution.local.018f2f64-7a4e-7cc3-98a1-1f2e3d4c5b6a',
  'alerts.local.forged',
  'task.report',
  'task.report.mesh.executor',
  'task.report.mesh.hybrid-agent',
  'worker.heartbeat.mesh.forged',
  'cache.put',
  'cache.invalidate',
  'action.forget',
  'cancelled.execution.request',
  '$JS.API.STREAM.DELETE.WORK',
  '$JS.API.STREAM.DELETE.EXECUTION_INTAKE_local',
  `$JS.API.STREAM.PURGE.OBJ_${MANIFEST_BUCKET}`,
  `$O.${MANIFEST_BUCKET}.M.forged`,
  '$SYS.REQ.SERVER.PING',
  '_INBOX_orchestrator.forged',
]
/** The server's own verbs that send back what is stored, or send it on. */
const DEPUTIES = [
  ...['WORK', 'EXECUTION_INTAKE_local', `OBJ_${MANIFEST_BUCKET}`].flatMap((stream) =>
    ['STREAM.INFO', 'STREAM.MSG.GET', 'DIRECT.GET', 'CONSUMER.CREATE', 'CONSUMER.LIST'].map(
      (verb) => `$JS.API.${verb}.${stream}`,
    ),
  ),
  ...['$JS.API.INFO', '$JS.API.STREAM.NAMES', '$SYS.REQ.USER.INFO', `$O.${MANIFEST_BUCKET}.C.x`],
]

beforeAll(async () => {
  under = opened.use(await meshUnderTest())
  operator = opened.use(await plainClient(under.mesh.connection))
  for (const target of TARGETS)
    operator.nc.subscribe(target, { callback: (_, { subject }) => void arrived.push(subject) })
  await operator.nc.flush()
})
afterAll(() => opened.disposeAsync())

/** Behind all that was sent before, through the services that answer it. */
async function answered(caller: PlainClient): Promise<void> {
  await caller.nc.flush()
  await caller.ask('execution.list', {})
  await caller.ask('manifest.put', {})
  await operator.nc.flush()
}

describe('what is answered inside', () => {
  it('would be seen, as where caller and mesh shared an account', async () => {
    operator.nc.publish('$JS.API.STREAM.INFO.WORK', '', { reply: 'alerts.local.forged' })
    await expect.poll(() => arrived, { timeout: 60_000 }).toEqual(['alerts.local.forged'])
    arrived.length = 0
  })
})

describe.each(CALLERS)('no answer to $name', ({ name, role, tenant, user }) => {
  let caller: PlainClient
  // What it may say itself, it may have said by an answer too.
  const own = new Set(ROLE_VERBS[role].map((verb) => `${verb}.${tenant}.${user}`))
  const targets = TARGETS.filter((target) => !own.has(target))
  const foreign = () => arrived.filter((subject) => !own.has(subject))
  beforeAll(async () => {
    caller = opened.use(await plainClient(under.mesh.connectionAs(name)))
  })

  it('acts inside, whatever verb is asked and wherever the answer is to go', async () => {
    const verbs = [...ROLE_VERBS[role], '$SRV.PING', '$SRV.INFO', '$SRV.STATS', ...DEPUTIES]
    const before = await countRowsAtRest(under.database)
    let attempts = 0
    for (const verb of verbs.filter((one) => one !== SUBMIT_SUBJECT)) {
      for (const reply of targets) {
        const traced = newHeaders()
        traced.set('Nats-Trace-Dest', reply)
        // Unknown fields are refused, so that nothing else happens for it.
        caller.nc.publish(verb, '{"decision":"approve"}', { reply })
        caller.nc.publish(verb, '{"zzz":1}', { reply, headers: traced })
        attempts += 2
      }
      await answered(caller)
    }
    console.log(`${name}: ${attempts} attempts, ${foreign().length} arrived`)
    expect(attempts).toBeGreaterThanOrEqual(200)
    expect(foreign()).toEqual([])
    expect(await countRowsAtRest(under.database)).toEqual(before)
  })

  it('acts inside by the acknowledgement of a stream', async () => {
    const submissions = async () =>
      (await under.database.query<{ n: number }>('select count(*)::int as n from orchestrator.submissions')).rows[0]?.n
    const before = (await submissions()) ?? 0
    for (const reply of targets) caller.nc.publish(SUBMIT_SUBJECT, '{"zzz":1}', { reply })
    // One each, refused as the caller's own, and no more.
    await expect.poll(submissions, { timeout: 60_000 }).toBe(before + targets.length)
    await answered(caller)
    expect(foreign()).toEqual([])
    const { rows } = await under.database.query<{ tenant: string }>(
      'select distinct tenant from orchestrator.executions',
    )
    expect(rows).toEqual([{ tenant: 'local' }])
  })

  it('leaves the streams of the mesh as they were', async () => {
    const manager = await operator.nc.jetstreamManager()
    for (const stream of ['WORK', 'EXECUTION_INTAKE_local', `OBJ_${MANIFEST_BUCKET}`])
      expect((await manager.streams.info(stream)).config.name).toBe(stream)
  })
})
