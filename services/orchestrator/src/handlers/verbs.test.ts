// Every verb, by everybody, over every status: one table, held against the handlers over a real PostgreSQL and a real
// NATS server. The test stands in for the executor, so that an execution stays in the status that it was brought to.
import { randomUUID } from 'node:crypto'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, FencingToken, Principal } from '@deed/proto/ids'
import { EXECUTION_STATUSES, type ExecutionStatus } from '@deed/proto/states'
import type { TaskReport } from '@deed/proto/task'
import { actionIdOf } from '@deed/worker/action-id'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, beginExecution, openWorld, PEOPLE, type World } from '../../test/open-world.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { planWork } from '../planning/plan-work.ts'
import { undoLevel } from '../planning/undo-level.ts'
import { cancelExecution } from './cancel-execution.ts'
import { decideApproval } from './decide-approval.ts'
import { pauseExecution, resumeExecution } from './pause-execution.ts'
import { retryExecution } from './retry-execution.ts'
import { rollbackExecution } from './rollback-execution.ts'

type Role = keyof typeof PEOPLE

const VERBS = [
  ...['cancel', 'cancel with undo', 'pause', 'resume', 'retry', 'rollback'],
  ...['approve', 'deny', 'retry the undo', 'provide'],
] as const
type Verb = (typeof VERBS)[number]

/** What comes of it: a status, `no-op`, `asked` for what needs another's agreement first, or the code of a refusal. */
type Answers = string | Partial<Record<Exclude<Role, 'stranger'>, string>>

const GOES_ON: Record<'planning' | 'waiting' | 'running' | 'paused', string> = {
  planning: 'cancelled',
  waiting: 'cancelled',
  running: 'running',
  paused: 'paused',
}
const FINAL = {
  done: '!not_cancellable',
  failed: '!not_cancellable',
  denied: '!not_cancellable',
  rolled_back: '!not_cancellable',
  rollback_failed: '!not_cancellable',
  cancelled: 'no-op',
  undoing: 'no-op',
}
const everywhere = (answer: Answers): Record<ExecutionStatus, Answers> =>
  Object.fromEntries(EXECUTION_STATUSES.map((status) => [status, answer])) as Record<ExecutionStatus, Answers>
const byOwner = (own: string, others: string): Answers => ({ requester: own, other: others, approver: others })

/** A stranger is told of nothing: `not_found`, everywhere. */
const TABLE: Record<Verb, Record<ExecutionStatus, Answers>> = {
  // What runs ends first, and is not undone: the status is the old one until then.
  cancel: { ...FINAL, ...GOES_ON },
  'cancel with undo': {
    ...FINAL,
    planning: 'cancelled',
    waiting: 'cancelled',
    running: byOwner('running', '!forbidden'),
    paused: byOwner('paused', '!forbidden'),
  },
  pause: {
    ...everywhere('!not_pausable'),
    planning: 'paused',
    waiting: 'paused',
    running: 'paused',
    paused: 'no-op',
  },
  resume: { ...everywhere('no-op'), paused: 'running' },
  retry: {
    ...everywhere('!not_retryable'),
    // Its approval was used for an attempt that has had no effect, and is still good.
    failed: 'running',
    // Nobody had agreed yet, or what was agreed to was done and undone: somebody is asked again.
    cancelled: 'waiting',
    rolled_back: 'waiting',
  },
  rollback: {
    ...everywhere('!not_undoable'),
    // It was of level 2, so that its undoing is, too.
    done: 'asked',
    undoing: 'no-op',
    rolled_back: '!already_rolled_back',
    rollback_failed: 'asked',
  },
  approve: {
    ...everywhere('!approval_already_used'),
    planning: '!not_found',
    waiting: { requester: '!self_approval', other: '!forbidden', approver: 'running' },
    ...Object.fromEntries(
      ['running', 'paused', 'done', 'failed', 'undoing', 'denied', 'cancelled', 'rolled_back', 'rollback_failed'].map(
        (status) => [status, { requester: '!self_approval', other: '!forbidden', approver: '!approval_already_used' }],
      ),
    ),
  },
  deny: {
    ...everywhere({ requester: '!approval_already_used', other: '!forbidden', approver: '!approval_already_used' }),
    planning: '!not_found',
    waiting: { requester: 'denied', other: '!forbidden', approver: 'denied' },
  },
  // Only where an undo has failed is there a review.
  'retry the undo': {
    ...everywhere('!not_found'),
    rollback_failed: { requester: 'undoing', other: '!forbidden', approver: 'undoing' },
  },
  provide: {
    ...everywhere('!not_found'),
    rollback_failed: { requester: '!self_approval', other: '!forbidden', approver: 'rolled_back' },
  },
}

const opened = new AsyncDisposableStack()
let world: World

beforeAll(async () => {
  world = await openWorld(opened)
})
afterAll(() => opened.disposeAsync())

const ACTION = Action.parse({ kind: 'file.delete', input: { path: 'a.txt' } })

/** An execution of ada's with one step of level 2. */
const begin = (): Promise<ExecutionId> => beginExecution(world, 'delete a.txt')

async function plan(id: ExecutionId): Promise<void> {
  const { driver, planning } = world
  const { execution } = await driver.read(id)
  const node = {
    ...{ id: 'task', kind: 'task' as const, title: 'delete', description: 'delete', depends_on: [] },
    ...{ acceptance_criteria: [], estimated_ms: 0, estimated_cost_usd: 0, capability: 'act' as const },
    risk: 'low' as const,
  }
  const actions = [{ name: 'delete', title: 'delete a.txt', depends_on: [], action: ACTION }]
  const solution = { actions, answer: { kind: 'actions' as const }, confidence: 1 }
  const work = await planWork(planning, execution, [{ node, solution }])
  await driver.apply(id, { type: 'planned', work, found: { method: 'autonomous' } })
}

const stepOf = ({ tasks }: Snapshot): TaskRow => [...tasks.values()].find(({ task_kind }) => task_kind === 'act')!

async function report(id: ExecutionId, end: Pick<TaskReport, 'outcome' | 'effect'>): Promise<void> {
  const { driver, clock } = world
  const { task_id, token, intent } = stepOf(await driver.read(id))
  const evidence = {
    ...{ kind: 'observed' as const, outcome: 'verified' as const, claimed: 'did it', observed: 'it is so' },
    observed_at: new Date(clock.now()).toISOString(),
  }
  const attempted = ['local', actionIdOf(task_id), token, intent]
  await world.db.query('attempted', 'insert into executor.current_attempts values ($1, $2, $3, $4)', attempted)
  await driver.apply(id, {
    type: 'reported',
    report: {
      ...{ task_id, execution_id: id, token: token as FencingToken, worker_id: 'test', intent, duration_ms: 1 },
      ...{ tokens_used: 0, cost_microusd: 0, ...end },
      ...(end.outcome === 'done'
        ? { evidence }
        : { error: { code: 'effect_failed', message: 'it would not', retryable: false } }),
    },
  })
}

const approve = async (id: ExecutionId): Promise<void> => {
  const approvalId = await approvalOf(id)
  await ask(decideApproval(world), PEOPLE.approver, { approval_id: approvalId, decision: 'approve' })
}

/** How an execution comes to each status. */
const WAYS: Record<ExecutionStatus, (id: ExecutionId) => Promise<void>> = {
  async planning() {},
  waiting: plan,
  async running(id) {
    await plan(id)
    await approve(id)
  },
  async paused(id) {
    await WAYS.running(id)
    await world.driver.apply(id, { type: 'paused', by: 'ada', reason: null })
  },
  async done(id) {
    await WAYS.running(id)
    await report(id, { outcome: 'done', effect: 'made' })
  },
  async failed(id) {
    await WAYS.running(id)
    await report(id, { outcome: 'failed', effect: 'none' })
  },
  async denied(id) {
    await plan(id)
    await ask(decideApproval(world), PEOPLE.approver, { approval_id: await approvalOf(id), decision: 'deny' })
  },
  async cancelled(id) {
    await plan(id)
    await world.driver.apply(id, { type: 'cancelled', by: 'ada', reason: null, undo: false })
  },
  async undoing(id) {
    await WAYS.done(id)
    await world.driver.apply(id, { type: 'rolled_back', by: 'ada', reason: null })
  },
  async rolled_back(id) {
    await WAYS.undoing(id)
    await report(id, { outcome: 'done', effect: 'none' })
  },
  async rollback_failed(id) {
    await WAYS.undoing(id)
    await report(id, { outcome: 'failed', effect: 'none' })
  },
}

/** The first one: of the plan. */
async function approvalOf(id: ExecutionId): Promise<ApprovalId> {
  const [approval] = (await world.driver.read(id)).approvals.keys()
  return approval ?? (randomUUID() as ApprovalId)
}

async function reviewOf(id: ExecutionId): Promise<ApprovalId> {
  const { tasks } = await world.driver.read(id)
  const review = [...tasks.values()].find(({ task_kind, actual_status: status }) => {
    return task_kind === 'review' && status === 'pending'
  })
  return (review?.task_id ?? randomUUID()) as ApprovalId
}

const DO: Record<Verb, (id: ExecutionId, by: Principal) => Promise<unknown>> = {
  cancel: (id, by) => ask(cancelExecution(world), by, { execution_id: id, undo: false, pause_goals: false }),
  'cancel with undo': (id, by) => ask(cancelExecution(world), by, { execution_id: id, undo: true, pause_goals: false }),
  pause: (id, by) => ask(pauseExecution(world), by, { execution_id: id }),
  resume: (id, by) => ask(resumeExecution(world), by, { execution_id: id }),
  retry: (id, by) => ask(retryExecution(world), by, { execution_id: id }),
  rollback: (id, by) =>
    ask(rollbackExecution(world), by, { execution_id: id, with_dependents: false, dry_run: false, pause_goals: false }),
  approve: async (id, by) => ask(decideApproval(world), by, { approval_id: await approvalOf(id), decision: 'approve' }),
  deny: async (id, by) => ask(decideApproval(world), by, { approval_id: await approvalOf(id), decision: 'deny' }),
  'retry the undo': async (id, by) =>
    ask(decideApproval(world), by, { approval_id: await reviewOf(id), decision: 'retry' }),
  provide: async (id, by) =>
    ask(decideApproval(world), by, {
      ...{ approval_id: await reviewOf(id), decision: 'provide' as const },
      result: { text: 'brought it back' },
    }),
}

async function outcomeOf(verb: Verb, status: ExecutionStatus, role: Role): Promise<string> {
  const id = await begin()
  await WAYS[status](id)
  const before = await world.driver.read(id)
  expect(before.execution.status).toBe(status)
  let refusal: string | undefined
  try {
    await DO[verb](id, PEOPLE[role])
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    refusal = `!${error.code}`
  }
  const after = await world.driver.read(id)
  // A refusal changes nothing but the record of it.
  if (refusal !== undefined) {
    expect({ ...after.execution, ...MOVES }).toEqual({ ...before.execution, ...MOVES })
    expect([...after.tasks.values()]).toEqual([...before.tasks.values()])
    return refusal
  }
  if (after.execution.audit_seq === before.execution.audit_seq) return 'no-op'
  const asked = [...after.approvals.values()].filter(({ status: one }) => one === 'pending').length
  const askedBefore = [...before.approvals.values()].filter(({ status: one }) => one === 'pending').length
  return after.execution.status === status && asked > askedBefore ? 'asked' : after.execution.status
}

/** What moves with a row of the audit log. */
const MOVES = { version: 0, audit_seq: 0, audit_hash: '', next_check_at: '', updated_at: '' }

const expectedFor = (answers: Answers, role: Role): string | undefined =>
  role === 'stranger' ? '!not_found' : typeof answers === 'string' ? answers : answers[role]

it.each(VERBS)(
  '%s does what the table says, by everybody, over every status',
  async (verb) => {
    const seen: string[] = []
    const wanted: string[] = []
    for (const status of EXECUTION_STATUSES) {
      for (const role of Object.keys(PEOPLE) as Role[]) {
        seen.push(`${status} ${role}: ${await outcomeOf(verb, status, role)}`)
        wanted.push(`${status} ${role}: ${expectedFor(TABLE[verb][status], role)}`)
      }
    }
    expect(seen).toEqual(wanted)
  },
  120_000,
)

it('retries under the same approval only while nothing was done under it, and never after its time', async () => {
  const { driver } = world
  const id = await begin()
  await WAYS.failed(id)
  const approval = await approvalOf(id)
  await DO.retry(id, PEOPLE.requester)
  expect(stepOf(await driver.read(id))).toMatchObject({ actual_status: 'in_progress', approval_id: approval })

  await report(id, { outcome: 'failed', effect: 'none' })
  await world.db.pool.query(`update approvals set expires_at = consumed_at + interval '1 ms' where approval_id = $1`, [
    approval,
  ])
  const late = await driver.read(id)
  driver.know(late)
  await DO.retry(id, PEOPLE.requester)
  const asked = await driver.read(id)
  expect(asked.execution.status).toBe('waiting')
  expect(stepOf(asked)).toMatchObject({ actual_status: 'pending', token: 2 })
  expect(stepOf(asked).approval_id).not.toBe(approval)
  expect(asked.approvals.get(approval)?.status).toBe('used')
})

it('has another person agree where somebody wants the work of others done again or undone', async () => {
  const { driver } = world
  for (const [status, verb] of [
    ['done', 'rollback'],
    ['rolled_back', 'retry'],
  ] as const) {
    const id = await begin()
    await WAYS[status](id)
    await DO[verb](id, PEOPLE.approver)
    const [last] = [...(await driver.read(id)).approvals.values()].filter(({ status: one }) => one === 'pending')
    const decision = { approval_id: last!.approval_id, decision: 'approve' as const }
    expect(last).toMatchObject({ requested_by: 'carol', level: 2 })
    await expect(ask(decideApproval(world), PEOPLE.approver, decision)).rejects.toMatchObject({ code: 'self_approval' })
    await expect(ask(decideApproval(world), PEOPLE.other, decision)).rejects.toMatchObject({ code: 'forbidden' })
    await ask(decideApproval(world), PEOPLE.requester, decision)
    expect((await driver.read(id)).execution.status).toBe(verb === 'retry' ? 'running' : 'undoing')
    await expect(ask(decideApproval(world), PEOPLE.requester, decision)).rejects.toMatchObject({
      code: 'approval_already_used',
    })
  }
})

it('leaves an execution as it has ended where the rollback is denied, runs out, or is another by then', async () => {
  const { driver } = world
  const id = await begin()
  await WAYS.done(id)
  const open = async () =>
    [...(await driver.read(id)).approvals.values()].find(({ status }) => status === 'pending')?.approval_id
  await DO.rollback(id, PEOPLE.requester)
  const first = await open()
  // The same question again is the same question.
  await DO.rollback(id, PEOPLE.requester)
  expect(await open()).toBe(first)
  await ask(decideApproval(world), PEOPLE.approver, { approval_id: first!, decision: 'deny' })
  expect((await driver.read(id)).execution.status).toBe('done')
  expect(stepOf(await driver.read(id))).toMatchObject({ actual_status: 'done', effect: 'made', desired_status: 'done' })

  await DO.rollback(id, PEOPLE.requester)
  const second = await open()
  await world.db.pool.query(`update actual_state set token = token + 1 where execution_id = $1 and task_kind = 'act'`, [
    id,
  ])
  driver.know(await driver.read(id))
  const decision = { approval_id: second!, decision: 'approve' as const }
  await expect(ask(decideApproval(world), PEOPLE.approver, decision)).rejects.toMatchObject({
    code: 'approval_mismatch',
  })
  await world.db.pool.query('update approvals set expires_at = now() where approval_id = $1', [second])
  driver.know(await driver.read(id))
  await expect(ask(decideApproval(world), PEOPLE.approver, decision)).rejects.toMatchObject({
    code: 'approval_expired',
  })
  expect((await driver.read(id)).execution.status).toBe('done')
})

it('takes own work of level 0 and 1 back at once, and that of others at their level or more', () => {
  const { planning } = world
  const task = (level: number, action: object) =>
    ({ task_kind: 'act', level, spec: Action.parse(action) }) as unknown as TaskRow
  const write = { kind: 'file.write', input: { path: 'a', content: 'x' } }
  const made = { ...write, expect_before: 'absent' }
  expect(undoLevel(planning.policy, task(0, made), 'ada', 'ada').level).toBe(0)
  expect(undoLevel(planning.policy, task(1, write), 'ada', 'ada').level).toBe(0)
  expect(undoLevel(planning.policy, task(1, write), 'bob', 'ada').level).toBe(1)
  // What was made is removed.
  expect(undoLevel(planning.policy, task(0, made), 'bob', 'ada').level).toBe(2)
  expect(undoLevel(planning.policy, task(2, ACTION), 'ada', 'ada').level).toBe(2)
  expect(undoLevel(planning.policy, task(3, ACTION), 'bob', 'ada').level).toBe(3)
})
