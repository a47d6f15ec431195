// Several things in one sentence, through the command, on real processes: lists, sets, and several verbs in their order.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { cancelExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const NAMES = ['demo-api', 'test-service', 'worker'] as const
type Name = (typeof NAMES)[number]

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let folder: string

beforeAll(async () => {
  const target = (name: string): string =>
    `  ${name}: { type: process, command: [node, sleep.mjs], stable_for: 100ms, environment: development }\n`
  under = opened.use(await meshUnderTest({ config: `targets:\n${NAMES.map(target).join('')}` }))
  folder = dirname(under.workspace)
  writeFileSync(join(folder, 'sleep.mjs'), 'setInterval(() => {}, 60_000)\n')
})
afterAll(async () => {
  // Supervised processes outlive the mesh by design.
  if (under) await run('stop everything')
  await opened.disposeAsync()
})

interface Seen {
  /** What a person was shown before agreeing: one title for each action. */
  titles: string[]
  text: string
  detail: ExecutionDetail
}

/** Asks at one terminal, and agrees to everything at another. */
async function run(task: string): Promise<Seen> {
  const running = startDeed(join(folder, 'data'), ['run', '--json', task], { cwd: folder }).ended
  let ended = false
  running.finally(() => {
    ended = true
  })
  const titles: string[] = []
  while (!ended) {
    await until(async () => ended || (await pending()).length > 0, { what: `a question or the end of: ${task}` })
    for (const { approval_id, actions } of await pending()) {
      titles.push(...actions.map(({ title }) => title))
      await under.client.call(decideApproval, { approval_id, decision: 'approve' })
    }
  }
  const { stdout, stderr } = await running
  const { execution_id } = JSON.parse(stdout || `"${stderr}"`) as ExecutionDetail
  const detail = await under.client.call(getExecution, { execution_id })
  return { titles, text: detail.result?.text ?? '', detail }
}

const pending = async () => (await under.client.call(listApprovals, { status: 'pending' })).approvals

/** The process of each service, as it is observed now; undefined: it does not run. */
async function pids(): Promise<Record<Name, number | undefined>> {
  const manifest = {
    name: 'look',
    tasks: NAMES.map((target) => ({ id: target, action: { kind: 'service.status', input: { target } } })),
  }
  const { result } = await under.client.call(requestExecution, { manifest })
  const data = result?.data as { target: Name; pid: number | null }[]
  return Object.fromEntries(data.map(({ target, pid }) => [target, pid ?? undefined])) as Record<
    Name,
    number | undefined
  >
}

const isAlive = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** When each task began and ended, by its title. */
const times = ({ detail }: Seen) =>
  new Map(
    detail.tasks
      .filter(({ task_kind }) => task_kind === 'act')
      .map(({ title, started_at, finished_at }) => [title, { begun: started_at ?? '', ended: finished_at ?? '' }]),
  )

describe('several things in one sentence', () => {
  beforeEach(async () => {
    const seen = await run('start all services')
    expect(seen.detail.status, seen.text).toBe('done')
  })

  it('restart demo-api and test-service -- two actions are shown, and a third service is left alone', async () => {
    const before = await pids()
    const { titles, detail } = await run('restart demo-api and test-service')
    expect(detail.status).toBe('done')
    expect(titles.sort()).toEqual(['restart demo-api', 'restart test-service'])
    const after = await pids()
    for (const name of ['demo-api', 'test-service'] as const) {
      expect(after[name]).not.toBe(before[name])
      expect(isAlive(after[name])).toBe(true)
      expect(isAlive(before[name])).toBe(false)
    }
    expect(after.worker).toBe(before.worker)
  })

  it('restart everything except test-service -- test-service is left alone', async () => {
    const before = await pids()
    const { titles, detail } = await run('restart everything except test-service')
    expect(detail.status).toBe('done')
    expect(titles.sort()).toEqual(['restart demo-api', 'restart worker'])
    const after = await pids()
    expect(after['test-service']).toBe(before['test-service'])
    expect(after['demo-api']).not.toBe(before['demo-api'])
    expect(after.worker).not.toBe(before.worker)
  })

  it('stop demo-api, then start test-service -- in this order, and one after the other', async () => {
    await run('stop test-service')
    const before = await pids()
    expect(before['test-service']).toBeUndefined()
    const seen = await run('stop demo-api, then start test-service')
    expect(seen.detail.status).toBe('done')
    const at = times(seen)
    expect((at.get('stop demo-api')?.ended ?? '') <= (at.get('start test-service')?.begun ?? '')).toBe(true)
    const after = await pids()
    expect(after['demo-api']).toBeUndefined()
    expect(isAlive(after['test-service'])).toBe(true)
    expect(after.worker).toBe(before.worker)
  })

  it('stop demo-api and start it again -- the pronoun is the service, and the start comes second', async () => {
    const before = await pids()
    const seen = await run('stop demo-api and start it again')
    expect(seen.detail.status).toBe('done')
    expect([...times(seen).keys()]).toEqual(['stop demo-api', 'start demo-api'])
    const after = await pids()
    expect(after['demo-api']).not.toBe(before['demo-api'])
    expect(isAlive(after['demo-api'])).toBe(true)
  })

  it('which services are down -- those that are, and how many', async () => {
    expect((await run('which services are down?')).text).toBe('none of 3 services are down')
    await run('stop worker')
    const { text, titles } = await run('which services are down?')
    expect(titles).toEqual([])
    expect(text).toMatch(/^1 of 3 services are down: .*worker/)
    expect(text).not.toContain('demo-api')
    expect((await run('are all services up?')).text).toMatch(/^2 of 3 services are up: .*worker/)
    expect((await run('which services are running?')).text).toMatch(
      /^2 of 3 services are running: .*demo-api.*test-service/,
    )
  })

  it.each([
    'restart all services and do not touch worker',
    'restart demo-api, restart test-service and never restart worker, then restart everything',
    'restart everything except the frontend',
    'restart all services?',
  ])('%s -- nothing is done where the words forbid, doubt or are not understood', async (task) => {
    const before = await pids()
    const { execution_id, status } = await under.client.call(requestExecution, { task })
    // It fails, or asks what is meant; nobody answers.
    expect(['failed', 'waiting']).toContain(status)
    const { approvals } = await under.client.call(listApprovals, { execution_id, status: 'pending' })
    expect(approvals.flatMap(({ actions }) => actions)).toEqual([])
    if (status === 'waiting') await under.client.call(cancelExecution, { execution_id })
    expect(await pids()).toEqual(before)
  })
})
