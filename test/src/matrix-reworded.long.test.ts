// The requests of the matrix in other words: three sentences each, none of which a pattern knows, over NATS and by the
// command. There is no model.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import type { MeshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { explainTask } from '@deed/proto/agent'
import { decideApproval } from '@deed/proto/approval'
import { type ExecutionReply, requestExecution } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detailOf, pendingOf } from './follow.ts'
import { type MatrixWorld, matrixWorld, server } from './matrix-world.ts'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let folder: string
let answers: MatrixWorld['answers']

beforeAll(async () => {
  ;({ under, folder, answers } = opened.use(await matrixWorld()))
  writeFileSync(join(under.workspace, 'release/server.mjs'), server(2))
  expect((await overNats({ task: 'start demo-api' }, 'approve')).status).toBe('done')
})
afterAll(() => opened.disposeAsync())

const deed = (...args: string[]): Promise<Ended> => startDeed(join(folder, 'data'), args, { cwd: folder }).ended

type Decision = 'approve' | 'deny'
interface Request {
  readonly task: string
  readonly language?: 'elixir'
  readonly context?: { target_file: string }
}
interface Outcome {
  readonly status: string
  readonly text: string
  readonly verification: ExecutionReply['verification']
  /** The level of each approval, and the titles that it showed. */
  readonly approvals: readonly { level: number; titles: string[] }[]
}

/** To its end; every approval is decided as it is given here. */
async function overNats(asked: Request, decision: Decision): Promise<Outcome> {
  const approvals: Outcome['approvals'][number][] = []
  const { execution_id } = await under.client.call(requestExecution, { ...asked, mode: 'background' })
  const detail = await until(
    async () => {
      const now = await detailOf(under, execution_id)
      const isFinal = (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(now.status)
      const [pending] = isFinal ? [] : await pendingOf(under, execution_id)
      if (pending) {
        approvals.push({ level: pending.level, titles: pending.actions.map(({ title }) => title) })
        const { approval_id, plan_hash } = pending
        await under.client.call(decideApproval, { approval_id, decision, plan_hash })
      }
      return isFinal && now
    },
    { timeoutMs: 120_000, what: `the end of: ${asked.task}` },
  )
  return { status: detail.status, text: detail.result?.text ?? '', verification: detail.verification, approvals }
}

/** With the approval of the one who asks. */
async function byCommand({ task, language, context }: Request): Promise<Omit<Outcome, 'approvals'>> {
  const given = Object.entries({ language, 'target-file': context?.target_file })
  const options = given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
  const { stdout, stderr } = await deed('run', '--json', '--yes', ...options, task)
  if (stdout === '') throw new Error(`nothing was printed: ${stderr}`)
  const { status, result, verification } = JSON.parse(stdout) as ExecutionReply
  return { status, text: result?.text ?? '', verification }
}

const DONE = { status: 'done', approvals: [] }
const APPROVED = { status: 'done', approvals: [{ level: 1 }] }

/** Asks in these words both ways. */
const both = async (asked: Request, expected: object): Promise<Outcome[]> => {
  const first = await overNats(asked, 'approve')
  expect(first).toMatchObject(expected)
  const second = { ...(await byCommand(asked)), approvals: [] }
  expect(second).toMatchObject({ status: 'done' })
  return [first, second]
}

async function isUnknownToPatterns(task: string): Promise<void> {
  const { explanation } = await under.client.call(explainTask, { task })
  expect(explanation?.stages[0]).toEqual({
    stage: 'exact',
    outcome: 'declined',
    reason: 'no rule knows these words',
  })
}

describe.each([
  'tell me how many assets we have',
  'I would like to know how many assets we have',
  'hi, how many assets do we own?',
])('how many assets do we have: %s', (task) => {
  it('is answered with the real count by type', async () => {
    await isUnknownToPatterns(task)
    for (const { text } of await both({ task }, DONE))
      expect(text).toMatch(/^7 assets: 4 Windows workstation, 3 printer/)
  })
})

describe.each([
  "I'd like to see the server web-01",
  'could you look up server web-01 for me',
  'could you get me the server web-01',
])('show server details for web-01: %s', (task) => {
  it('is answered with the real row', async () => {
    await isUnknownToPatterns(task)
    for (const { text } of await both({ task }, DONE)) {
      expect(text).toContain('10.0.0.7')
      expect(text).not.toContain('10.0.0.8')
    }
  })
})

describe.each([
  'how full are the disks here?',
  'could you see whether we are running out of disk space?',
  'is there enough disk space left here?',
])('check disk space on this host: %s', (task) => {
  it('is answered with real figures', async () => {
    await isUnknownToPatterns(task)
    for (const { text } of await both({ task }, DONE)) expect(text).toMatch(/\d+%.* \//)
  })
})

describe.each([
  'would you mind giving demo-api a restart?',
  'the demo-api process needs a kick, restart it please',
  'would you please bounce the demo api',
])('restart service demo-api: %s', (task) => {
  it('ends with a new process, after approval', async () => {
    await isUnknownToPatterns(task)
    const before = await answers('demo-api')
    await both({ task }, APPROVED)
    const after = await answers('demo-api')
    expect(after?.pid).toEqual(expect.any(Number))
    expect(after?.pid).not.toBe(before?.pid)
  })
})

describe.each([
  'could you get the test service back up?',
  'the test service is gone, bring it up',
  'the test service went away, would you start it for us',
])('the test-service is down, fix it: %s', (task) => {
  it('ends with a service that answers, after approval', async () => {
    await isUnknownToPatterns(task)
    expect(await answers('test-service')).toBeUndefined()
    for (const ask of [() => overNats({ task }, 'approve'), () => byCommand({ task })]) {
      expect(await ask()).toMatchObject({ status: 'done' })
      const up = await answers('test-service')
      expect(up).toMatchObject({ version: 1 })
      process.kill(up!.pid, 'SIGKILL')
      await until(async () => (await answers('test-service')) === undefined, { what: 'the end of test-service' })
    }
  })
})

describe.each([
  ['one', 'hello there, would you write a NATS consumer for processing user events'],
  ['two', 'I need you to write a NATS consumer for processing user events'],
  ['three', 'good morning, would you write a NATS consumer for processing user events'],
])('create a NATS consumer for processing user events, %s: %s', (name, task) => {
  it('ends with code on disk', async () => {
    await isUnknownToPatterns(task)
    const file = (by: string): string => `lib/${name}_${by}.ex`
    const into = (by: string): Request => ({ task, language: 'elixir', context: { target_file: file(by) } })
    expect(await overNats(into('nats'), 'approve')).toMatchObject(APPROVED)
    expect(await byCommand(into('command'))).toMatchObject({ status: 'done' })
    for (const by of ['nats', 'command'])
      expect(readFileSync(join(under.workspace, file(by)), 'utf8')).toContain('defmodule')
  })
})

describe.each([
  'is everything up and healthy?',
  'please do a full check of the health of all services',
  "I'd like to see how all the services are doing",
])('full health check: %s', (task) => {
  it('observes every service', async () => {
    await isUnknownToPatterns(task)
    for (const { verification } of [await overNats({ task }, 'deny'), await byCommand({ task })])
      expect(verification).toHaveLength(3)
  })
})

describe('what is on this host and in its files', () => {
  beforeAll(() => {
    mkdirSync(join(under.workspace, 'logs'), { recursive: true })
    writeFileSync(join(under.workspace, 'logs/a.log'), 'started\nERROR: no paper\n')
    writeFileSync(join(under.workspace, 'notes.txt'), 'call the plumber\n')
  })

  it.each<[string, RegExp]>([
    ["I'd like to know how much memory we have left", /^memory: .* are available/],
    ['please find out whether enough memory is left here', /^memory: .* are available/],
    ['hey, how much memory is free on this machine?', /^memory: .* are available/],
    ["I'd like to see what notes.txt says", /^call the plumber/],
    ['hey, would you print me the file notes.txt', /^call the plumber/],
    ['hello there, please read me notes.txt', /^call the plumber/],
    ["I'd like to see the files in logs", /logs\/a\.log/],
    ['hello, please list me the files in logs', /logs\/a\.log/],
    ['hey, show the files in logs', /logs\/a\.log/],
    ['I\'d like to find "ERROR" in logs', /logs\/a\.log:2: ERROR: no paper/],
    ['hi there, would you search logs for "ERROR"', /logs\/a\.log:2: ERROR: no paper/],
    ['hello, please look for "ERROR" in logs', /logs\/a\.log:2: ERROR: no paper/],
  ])('is answered at once: %s', async (task, text) => {
    await isUnknownToPatterns(task)
    for (const { text: said } of await both({ task }, DONE)) expect(said).toMatch(text)
  })

  it.each([
    'notes.txt has a mistake, replace "plumber" with "baker" in notes.txt',
    'I\'d like "plumber" to become "baker" in notes.txt',
    'hey, please change "plumber" to "baker" in notes.txt',
  ])('is changed after approval: %s', async (task) => {
    await isUnknownToPatterns(task)
    for (const ask of [() => overNats({ task }, 'approve'), () => byCommand({ task })]) {
      writeFileSync(join(under.workspace, 'notes.txt'), 'call the plumber\n')
      expect(await ask()).toMatchObject({ status: 'done' })
      expect(readFileSync(join(under.workspace, 'notes.txt'), 'utf8')).toBe('call the baker\n')
    }
  })
})

describe.each([
  ['deploy the application', 'hey, could you deploy the application now?'],
  ['deploy the application', 'it is time, deploy the application'],
  ['deploy the application', 'we are ready, so deploy the application'],
  ['delete the database', 'delete the database, it is not needed any more'],
  ['delete the database', 'when you have a moment, drop the database'],
  ['delete the database', 'we no longer need it, delete the database please'],
])('%s: %s', (runbook, task) => {
  const deploys = runbook === 'deploy the application'
  const level = deploys ? 2 : 3
  const titles = deploys
    ? ['stop what runs', 'put the new release in its place', 'start it, and see that it answers']
    : ['drop the table of servers']

  it('shows the steps of the runbook, and changes nothing where they are denied', async () => {
    await isUnknownToPatterns(task)
    const denied = await overNats({ task }, 'deny')
    expect(denied).toMatchObject({ status: 'denied', approvals: [{ level, titles }] })
    const { code, stdout } = await deed('run', '--dry-run', task)
    expect(code).toBe(0)
    for (const title of titles) expect(stdout).toContain(title)
    expect(stdout).toMatch(new RegExp(`level ${level}`, 'i'))
    expect(existsSync(join(under.workspace, 'release/server.mjs'))).toBe(true)
  })
})
