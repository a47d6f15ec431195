// One approval is one effect, on a whole mesh whose policy wants two people: what is counted is what a program leaves
// behind each time that it runs, and which files are gone.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkInvariants } from '@deed/drill/harness/check-invariants'
import { type Ended, startDeed } from '@deed/drill/harness/deed-process'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { type ApprovalView, decideApproval } from '@deed/proto/approval'
import { requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { ExecutionStatus } from '@deed/proto/states'
import { cancelExecution, retryExecution, rollbackExecution, steerExecutions } from '@deed/proto/steering'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askedOf, detailOf } from './follow.ts'
import { type PlainClient, plainClient } from './plain-client.ts'

const POLICY = resolve(import.meta.dirname, '../../services/orchestrator/policy/default.yaml')
const APPROVER = { principal: { tenant: 'local', user: 'approver' } }
const WAIT = { timeoutMs: 60_000 }
// Long enough for one of the waits to say what it waited for.
const TEST_MS = 300_000

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
let client: PlainClient

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  const policy = join(folder.path, 'policy.yaml')
  // Whatever sandbox there is here, a command has the same level.
  const rules = readFileSync(POLICY, 'utf8')
    .split('\n')
    .filter((line) => !line.includes('{ sandbox:'))
  writeFileSync(policy, rules.join('\n').replace('self_approval: true', 'self_approval: false'))
  under = opened.use(await meshUnderTest({ config: 'commands: { allow: [node] }\n', env: { DEED_POLICY: policy } }))
  client = opened.use(await plainClient(under.mesh.connection))
  // Each run leaves a file of its own, and takes an old one away.
  writeFileSync(join(under.workspace, 'count.mjs'), COUNT)
})
afterAll(() => opened.disposeAsync())

const COUNT = `
import { appendFileSync } from 'node:fs'
appendFileSync('runs.txt', 'run\\n')
`
const runs = (): number => {
  const file = join(under.workspace, 'runs.txt')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
}

const manifest = (name: string, tasks: object[]) => ({ name, tasks }) as never
const becomes = (id: ExecutionId, status: ExecutionStatus) =>
  until(async () => (await detailOf(under, id)).status === status, { ...WAIT, what: `the execution to be ${status}` })
const approve = async (id: ExecutionId): Promise<ApprovalView> => {
  const approval = await askedOf(under, id)
  const { approval_id, plan_hash } = approval
  await under.client.call(decideApproval, { approval_id, decision: 'approve', plan_hash }, APPROVER)
  return approval
}
const begin = async (name: string, tasks: object[]): Promise<ExecutionId> =>
  (await under.client.call(requestExecution, { manifest: manifest(name, tasks), mode: 'background' })).execution_id
const deed = (...args: string[]): Promise<Ended> => startDeed(under.mesh.dataDir, args).ended

const run = (id: string, after: string[] = []) => ({
  ...{ id, depends_on: after },
  action: { kind: 'command.run', input: { argv: ['node', 'count.mjs'] }, verify: { kind: 'exit_code' } },
})
const remove = (id: string, path: string) => ({ id, action: { kind: 'file.delete', input: { path } } })

it(
  'undone and retried as often as one likes, an action runs once for each approval',
  async () => {
    writeFileSync(join(under.workspace, 'precious.txt'), 'precious')
    const id = await begin('twice', [remove('gone', 'precious.txt'), run('ran', ['gone'])])
    const approvals = new Set([(await approve(id)).approval_id])
    await becomes(id, 'done')
    for (let round = 1; round <= 3; round++) {
      expect(existsSync(join(under.workspace, 'precious.txt'))).toBe(false)
      const before = readFileSync(join(under.workspace, 'runs.txt'), 'utf8')
      // The requester alone comes no further than to ask.
      const accepted = await under.client.call(rollbackExecution, { execution_id: id })
      expect(accepted).toMatchObject({ status: 'done', level: 2, approval_id: expect.any(String) })
      const own = { approval_id: accepted.approval_id!, decision: 'approve' as const }
      await expect(under.client.call(decideApproval, own)).rejects.toMatchObject({ code: 'self_approval' })
      expect((await detailOf(under, id)).status).toBe('done')
      approvals.add((await approve(id)).approval_id)
      await becomes(id, 'rolled_back')
      expect(existsSync(join(under.workspace, 'precious.txt'))).toBe(true)
      expect(existsSync(join(under.workspace, 'runs.txt'))).toBe(false)

      const again = await under.client.call(retryExecution, { execution_id: id })
      expect(again.status).toBe('waiting')
      const question = await askedOf(under, id)
      expect(question.actions).toMatchObject([{ level: 2 }, { level: 2 }])
      const mine = { approval_id: question.approval_id, decision: 'approve' as const }
      await expect(under.client.call(decideApproval, mine)).rejects.toMatchObject({ code: 'self_approval' })
      expect(existsSync(join(under.workspace, 'precious.txt'))).toBe(true)
      expect(runs()).toBe(0)
      approvals.add((await approve(id)).approval_id)
      await becomes(id, 'done')
      expect(readFileSync(join(under.workspace, 'runs.txt'), 'utf8')).toBe(before)
    }
    // One for the plan, and two for each round.
    expect(approvals.size).toBe(7)
    const { timeline } = await detailOf(under, id)
    const leases = timeline.filter(({ type }) => type === 'task.leased').map(({ data }) => data.approval_id)
    expect(leases).toHaveLength(8)
    expect(new Set(leases).size).toBe(4)
    await checkInvariants(under.database)
  },
  TEST_MS,
)

it(
  'is shown what is there now, where it was changed between the rollback and the retry',
  async () => {
    const file = join(under.workspace, 'drifts.txt')
    writeFileSync(file, 'one\n')
    const id = await begin('drifts', [remove('gone', 'drifts.txt')])
    const first = await approve(id)
    await becomes(id, 'done')
    await under.client.call(rollbackExecution, { execution_id: id })
    await approve(id)
    await becomes(id, 'rolled_back')
    writeFileSync(file, 'two\n')
    const { results } = await under.client.call(steerExecutions, { verb: 'retry', execution_ids: [id] })
    expect(results).toMatchObject([{ execution_id: id, status: 'waiting' }])
    const second = await askedOf(under, id)
    expect(second.plan_hash).not.toBe(first.plan_hash)
    expect(second.actions[0]?.state_before).not.toBe(first.actions[0]?.state_before)
    // It changes once more while somebody decides: what was agreed to is not what is there, so somebody is asked again.
    writeFileSync(file, 'three\n')
    await approve(id)
    const third = await until(async () => {
      const question = await askedOf(under, id)
      return question.approval_id !== second.approval_id && question
    }, WAIT)
    expect(readFileSync(file, 'utf8')).toBe('three\n')
    expect(third.actions[0]?.state_before).not.toBe(second.actions[0]?.state_before)
    const used = await approve(id)
    await becomes(id, 'done')
    expect(existsSync(file)).toBe(false)
    const { rows } = await under.database.query(
      `select l.action_hash = d.action_hash as sealed
         from executor.actions l join orchestrator.desired_state d using (task_id) where d.execution_id = $1`,
      [id],
    )
    expect(rows).toEqual([{ sealed: true }])
    // A task that was planned again began once before anybody was asked, and the checker knows it.
    await checkInvariants(under.database)
    await under.database.query(`update orchestrator.approvals set decided_by = null where approval_id = $1`, [
      used.approval_id,
    ])
    await expect(checkInvariants(under.database)).rejects.toThrow('nobody had agreed to')
    await under.database.query(`update orchestrator.approvals set decided_by = 'approver' where approval_id = $1`, [
      used.approval_id,
    ])
  },
  TEST_MS,
)

it(
  'shows the level of a rollback in a dry run, and waits for another person where it is of level 2',
  async () => {
    writeFileSync(join(under.workspace, 'dry.txt'), 'dry')
    const id = await begin('dry', [remove('gone', 'dry.txt')])
    await approve(id)
    await becomes(id, 'done')
    const shown = await deed('rollback', id, '--dry-run')
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('LEVEL') })
    expect(shown.stderr).toContain('It needs approval of level 2')
    const waiting = startDeed(under.mesh.dataDir, ['rollback', id])
    const { actions } = await approve(id)
    expect(actions).toMatchObject([{ summary: expect.stringContaining('undo: '), level: 2 }])
    expect(await waiting.ended).toMatchObject({ code: 0 })
    expect(existsSync(join(under.workspace, 'dry.txt'))).toBe(true)

    const other = await begin('other', [remove('gone', 'dry.txt')])
    await approve(other)
    await becomes(other, 'done')
    const started = await deed('rollback', other, '--no-wait')
    expect(started).toMatchObject({ code: 0, stderr: expect.stringContaining('deed approve') })
    expect((await detailOf(under, other)).status).toBe('done')
  },
  TEST_MS,
)

it(
  'takes own work that needed nobody back at once, and the same of others only with their agreement',
  async () => {
    const write = (path: string) => ({ id: 'write', action: { kind: 'file.write', input: { path, content: 'x' } } })
    const mine = await begin('mine', [write('mine.txt')])
    await becomes(mine, 'done')
    expect(await under.client.call(rollbackExecution, { execution_id: mine })).toMatchObject({
      status: 'undoing',
      level: 0,
      approval_id: null,
    })
    await becomes(mine, 'rolled_back')

    const theirs = await begin('theirs', [write('theirs.txt')])
    await becomes(theirs, 'done')
    const accepted = await under.client.call(rollbackExecution, { execution_id: theirs }, APPROVER)
    expect(accepted).toMatchObject({ status: 'done', level: 2 })
    const decision = { approval_id: accepted.approval_id!, decision: 'approve' as const }
    await expect(under.client.call(decideApproval, decision, APPROVER)).rejects.toMatchObject({ code: 'self_approval' })
    expect(existsSync(join(under.workspace, 'theirs.txt'))).toBe(true)
    await under.client.call(decideApproval, decision)
    await becomes(theirs, 'rolled_back')
    expect(existsSync(join(under.workspace, 'theirs.txt'))).toBe(false)

    const held = await begin('held', [write('held.txt'), run('ran', ['write'])])
    await askedOf(under, held)
    await expect(
      under.client.call(cancelExecution, { execution_id: held, undo: true }, APPROVER),
    ).resolves.toMatchObject({ status: 'cancelled' })
    expect(existsSync(join(under.workspace, 'held.txt'))).toBe(false)
  },
  TEST_MS,
)

it(
  'refuses a request that says something twice, and one with a number that would be another',
  async () => {
    const twice = await client.ask(
      'execution.request',
      '{"task":"write \\"x\\" to door.txt","dry_run":true,"dry_run":false}',
    )
    expect(twice.body).toMatchObject({ code: 'invalid_json', path: '$.dry_run' })
    const tasks =
      '[{"id":"a","action":{"kind":"sql.query","input":{"target":"x","query":"q","params":[9007199254740993]}}}]'
    const long = await client.ask('execution.request', `{"manifest":{"name":"long","tasks":${tasks}}}`)
    expect(long.body).toMatchObject({
      code: 'invalid_json',
      path: '$.manifest.tasks[0].action.input.params[0]',
      message: expect.stringContaining('quote it'),
    })
    expect(existsSync(join(under.workspace, 'door.txt'))).toBe(false)
  },
  TEST_MS,
)
