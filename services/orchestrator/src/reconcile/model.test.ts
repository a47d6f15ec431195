// The core against a model of the world around it: workers that report late, twice, out of order or never, people who
// decide at any time, room and keys that come and go. After every step, what holds for all histories is looked at.
//
// A failure prints its seed and the shortest history that leads to it. MODEL_RUNS sets how many histories are tried.
import { canonicalJson, sha256, uuidV5 } from '@deed/json/canonical-json'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, FencingToken, GrantId, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import { PersonDecision } from '@deed/proto/person'
import { type ApprovalStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { TaskReport } from '@deed/proto/task'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Draft, draftOf, hasChanged } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { emptySnapshot, newExecution } from '../execution/new-execution.ts'
import { newTask } from '../execution/new-task.ts'
import { expiryOf, reviewOf } from '../execution/person-task.ts'
import { nextToUndo, progressOf, readyTasks } from '../execution/progress.ts'
import type { ApprovalRow, ExecutionRow, Progress, Snapshot, TaskRow, Work } from '../execution/snapshot.ts'
import { needsApproval } from './agree-again.ts'
import { isLastQuestion } from './chosen.ts'
import type { Input, Limits } from './input.ts'
import { reconcile } from './reconcile.ts'
import { retriedBy } from './resolved.ts'
import { dependentsOf } from './roll-back.ts'

const RUNS = Number(process.env.MODEL_RUNS ?? 80)
const START = Date.parse('2026-01-01T00:00:00Z')
const LEASE_MS = 10_000
const APPROVAL_MS = 3_600_000
const PERSON_MS = 1_800_000
const ID = '01890000-0000-7000-8000-000000000001' as ExecutionId
const GRANT = '01890000-0000-7000-8000-000000000002' as GrantId

/** Effects within one moment, of which the later one is that of a task that stands further up in the plan. */
const plain = { approval: undefined, onFailure: null, priority: 2, key: false }
const SAME_MOMENT: { plan: Parameters<typeof begin>[0]; steps: Parameters<typeof take>[1][] } = {
  plan: {
    ask: false,
    autoRollback: true,
    approvals: [],
    tasks: [
      { kind: 'act', wants: [], ...plain },
      { kind: 'solve', wants: [], ...plain },
      { kind: 'act', wants: [1], ...plain },
      { kind: 'act', wants: [], ...plain },
    ],
  },
  steps: [
    { op: 'solution', pick: 0, acts: 2, approval: false },
    { op: 'late', pick: 0, verdict: 'done' },
    { op: 'work', times: 3 },
    { op: 'late', pick: 11, verdict: 'transient_made' },
    { op: 'cancel', undo: true },
  ],
}

describe('whatever the world does, in whatever order', () => {
  it(
    'keeps every promise after every step',
    () => {
      fc.assert(
        fc.property(plans, histories, (plan, steps) => {
          const model = begin(plan)
          for (const step of steps) take(model, step)
          checkChain(model)
        }),
        { numRuns: RUNS },
      )
    },
    60_000 + RUNS * 100,
  )

  it(
    'comes to an end by looking from time to time alone, once the world is sound',
    () => {
      fc.assert(
        fc.property(plans, histories, fc.boolean(), (plan, steps, peopleCome) => {
          const model = begin(plan)
          for (const step of steps) take(model, step)
          bringToRest(model, peopleCome)
          checkChain(model)
        }),
        { numRuns: RUNS, examples: [[SAME_MOMENT.plan, SAME_MOMENT.steps, false]] },
      )
    },
    60_000 + RUNS * 100,
  )

  it(
    'comes to the same end, however often its reports are told, and in whatever order',
    () => {
      fc.assert(
        fc.property(plans, fc.array(fc.nat(9), { maxLength: 60, size: 'max' }), (plan, order) => {
          const once = playedOut(plan, [])
          expect(playedOut(plan, order)).toEqual(once)
        }),
        { numRuns: RUNS },
      )
    },
    60_000 + RUNS * 100,
  )
})

interface TaskPlan {
  kind: 'act' | 'person' | 'solve' | 'choose'
  /** Positions of those before it that it depends on. */
  wants: number[]
  /** Which agreement covers it. */
  approval: number | undefined
  onFailure: 'undo' | 'ask' | null
  priority: number
  key: boolean
}

interface Plan {
  tasks: TaskPlan[]
  approvals: { ahead: boolean; wants: number[] }[]
  ask: boolean
  autoRollback: boolean
}

const VERDICTS = ['done', 'already_so', 'claimed', 'transient', 'transient_made', 'failed', 'failed_made'] as const
type Verdict = (typeof VERDICTS)[number]

/** `pick` chooses among those that the step can be about. */
type Step =
  | { op: 'tick'; ms: number }
  /** Time passes, and nobody looks. */
  | { op: 'wait'; ms: number }
  /** A worker says that it has an attempt, or still has it. */
  | { op: 'beat'; pick: number }
  /** Of an attempt that runs. */
  | { op: 'report'; pick: number; verdict: Verdict }
  /** Those that run succeed, and those after them, so many times. */
  | { op: 'work'; times: number }
  /** Of any attempt there ever was. */
  | { op: 'late'; pick: number; verdict: Verdict }
  | { op: 'solution'; pick: number; acts: number; approval: boolean }
  | { op: 'replan'; pick: number; approval: boolean }
  | { op: 'decide'; pick: number; approve: boolean; mayNot: boolean }
  | { op: 'resolve'; pick: number; decision: PersonDecision }
  /** A question is answered: by a reading, or by new words that lead to the next question or are asked about too often. */
  | { op: 'choose'; pick: number; comes: 'plan' | 'next' | 'refused' | 'nothing' }
  | { op: 'cancel'; undo: boolean }
  | { op: 'rollback'; pick?: number }
  | { op: 'steer'; wish: 'paused' | 'resumed' | 'retried' }
  | { op: 'second_thinker'; finds: boolean }
  | { op: 'room'; slots: number }
  | { op: 'key'; free: boolean }
  | { op: 'rate'; open: boolean }
  | { op: 'grant_over' }
  | { op: 'policy' }

const pick = fc.nat(19)
const earlier = fc.array(fc.nat(9), { maxLength: 2 })
const before = (wants: number[], position: number): number[] => [...new Set(wants.filter((want) => want < position))]

const plans: fc.Arbitrary<Plan> = fc
  .record({
    tasks: fc.array(
      fc.record({
        kind: fc.constantFrom(
          'act' as const,
          'act' as const,
          'act' as const,
          'act' as const,
          'person' as const,
          'choose' as const,
          'solve',
        ),
        wants: earlier,
        approval: fc.option(fc.nat(1), { nil: undefined }),
        onFailure: fc.constantFrom(null, null, 'undo' as const, 'ask' as const),
        priority: fc.constantFrom(2, 5),
        key: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    approvals: fc.array(fc.record({ ahead: fc.boolean(), wants: earlier }), { maxLength: 2 }),
    ask: fc.boolean(),
    autoRollback: fc.constantFrom(true, true, false),
  })
  .map(({ tasks, approvals, ...rest }) => ({
    ...rest,
    approvals,
    tasks: tasks.map((task, position) => ({
      ...task,
      wants: before(task.wants, position),
      approval:
        task.kind === 'act' && task.approval !== undefined && task.approval < approvals.length
          ? task.approval
          : undefined,
    })),
  }))

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('report' as const), pick, verdict: fc.constantFrom(...VERDICTS, 'done') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('tick' as const),
      ms: fc.constantFrom(0, 1, 1_600, 9_000, 70_000, 3_700_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('late' as const), pick, verdict: fc.constantFrom(...VERDICTS) }),
  },
  fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(5_000, 20_000, 3_700_000) }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('beat' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('decide' as const),
      pick,
      approve: fc.constantFrom(true, true, false),
      mayNot: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('resolve' as const),
      pick,
      decision: fc.constantFrom(...PersonDecision.options),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('choose' as const),
      pick,
      comes: fc.constantFrom('plan', 'plan', 'next', 'refused', 'nothing'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('solution' as const), pick, acts: fc.nat(2), approval: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('steer' as const),
      wish: fc.constantFrom('paused', 'resumed', 'retried', 'retried'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('rollback' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('work' as const), times: fc.integer({ min: 2, max: 6 }) }) },
  fc.record({ op: fc.constant('rollback' as const) }),
  fc.record({ op: fc.constant('replan' as const), pick, approval: fc.boolean() }),
  fc.record({ op: fc.constant('cancel' as const), undo: fc.boolean() }),
  fc.record({ op: fc.constant('second_thinker' as const), finds: fc.boolean() }),
  fc.record({ op: fc.constant('room' as const), slots: fc.nat(2) }),
  fc.record({ op: fc.constant('key' as const), free: fc.boolean() }),
  fc.record({ op: fc.constant('rate' as const), open: fc.boolean() }),
  fc.record({ op: fc.constant('grant_over' as const) }),
  fc.record({ op: fc.constant('policy' as const) }),
)
// As long as that: fast-check alone would keep to a few steps.
const histories = fc.array(steps, { maxLength: 60, size: 'max' })

/** An attempt that was handed out: its holder may report at any time, or never. */
interface Attempt {
  taskId: TaskId
  token: FencingToken
  intent: TaskRow['intent']
}

interface Model {
  snapshot: Snapshot
  now: number
  audit: Draft['audit']
  attempts: Attempt[]
  /** Time has passed that nobody has looked since. */
  overdue: boolean
  /** When the resync checks it next, as the tables have it. */
  checkAt: number
  /** Between which steps each effect was had, as far as anybody can know; those that are undone have none. */
  effects: Map<TaskId, { from: number; to: number }>
  /** At which step each task was last handed out to be done. */
  begun: Map<TaskId, number>
  /** Tasks with the agreements that are no longer good for them. */
  spent: Set<string>
  count: number
  slots: number
  keyFree: boolean
  rateOpen: boolean
  policy: number
  autoRollback: boolean
}

function begin(plan: Plan): Model {
  const snapshot = emptySnapshot(execution(plan.ask))
  const model: Model = {
    ...{
      snapshot,
      now: START,
      audit: [],
      attempts: [],
      checkAt: START,
      overdue: false,
      effects: new Map(),
      begun: new Map(),
      spent: new Set(),
      count: 0,
    },
    ...{ slots: 9, keyFree: true, rateOpen: true, policy: 1, autoRollback: plan.autoRollback },
  }
  apply(model, { type: 'planned', work: workOf(plan), found: { method: 'autonomous' } })
  return model
}

function take(model: Model, step: Step): void {
  if (step.op === 'work') {
    for (let time = 0; time < step.times; time++) take(model, { op: 'report', pick: 0, verdict: 'done' })
    return
  }
  // Two effects of one millisecond have no order.
  model.now += step.op === 'tick' ? step.ms : 1
  model.count++
  const input = inputOf(model, step)
  if (input) apply(model, input)
}

function inputOf(model: Model, step: Exclude<Step, { op: 'work' }>): Input | undefined {
  const { snapshot, now } = model
  const all = [...snapshot.tasks.values()]
  const tick: Input = { type: 'tick' }
  switch (step.op) {
    case 'tick':
      return tick
    case 'wait':
      model.now += step.ms
      model.overdue = true
      return undefined
    case 'beat': {
      // Straight into the tables, and the rows are read again.
      const task = chosen(running(snapshot), step.pick)
      if (task && Date.parse(task.lease_expires_at ?? '') > now)
        Object.assign(task, { assigned_agent: 'worker', lease_expires_at: isoTime(now + LEASE_MS) })
      return undefined
    }
    case 'report': {
      const task = chosen(running(snapshot), step.pick)
      const { task_id: taskId, token, intent } = task ?? {}
      if (!task || !taskId || intent === undefined) return undefined
      return { type: 'reported', report: reportOf({ taskId, token: token as FencingToken, intent }, step.verdict, now) }
    }
    case 'late': {
      const attempt = chosen(model.attempts, step.pick)
      return attempt && { type: 'reported', report: reportOf(attempt, step.verdict, now) }
    }
    case 'solution': {
      const task = chosen(
        running(snapshot).filter(({ intent }) => intent === 'solve'),
        step.pick,
      )
      if (!task) return undefined
      const attempt = { taskId: task.task_id, token: task.token as FencingToken, intent: task.intent }
      return {
        type: 'reported',
        report: reportOf(attempt, 'already_so', now),
        solved: solutionOf(model, task, step),
      }
    }
    case 'replan': {
      const task = chosen(
        running(snapshot).filter(({ intent }) => intent === 'do'),
        step.pick,
      )
      if (!task) return undefined
      const { work, approvalId } = moreWork(model, 0, step.approval, [])
      const changed = approvalId === undefined ? {} : { approval_id: approvalId, level: 1 }
      return { type: 'replanned', taskId: task.task_id, token: task.token as FencingToken, task: changed, work }
    }
    case 'decide': {
      const approval = chosen([...snapshot.approvals.values()], step.pick)
      const { approve } = step
      if (!approval) return undefined
      const by = { approvalId: approval.approval_id, approve, by: 'ada' }
      return step.mayNot ? { type: 'refused', ...by, code: 'forbidden' } : { type: 'decided', ...by, reason: null }
    }
    case 'resolve': {
      const task = chosen(
        all.filter(({ capability }) => capability === 'human'),
        step.pick,
      )
      return task && agreedAgain(model, resolution(task.task_id, step.decision))
    }
    case 'choose': {
      const task = chosen(
        all.filter(({ task_kind }) => task_kind === 'choose'),
        step.pick,
      )
      return task && answerOf(model, task, step.comes)
    }
    case 'cancel':
      return { type: 'cancelled', reason: null, undo: step.undo, by: 'ada' }
    case 'rollback': {
      const changed = all.filter(({ effect }) => effect !== 'none')
      const task = step.pick === undefined ? undefined : chosen(changed.length > 0 ? changed : all, step.pick)
      return { type: 'rolled_back', reason: null, by: 'ada', ...(task ? { taskIds: [task.task_id] } : {}) }
    }
    case 'steer':
      return agreedAgain(model, { type: step.wish, reason: null, by: 'ada' })
    case 'second_thinker':
      return step.finds
        ? { type: 'planned', work: workOf({ tasks: [], approvals: [], ask: false, autoRollback: true }), found: {} }
        : { type: 'plan_failed', error: failure('no_solution', false), found: { method: 'error' } }
    case 'room':
      model.slots = step.slots
      return tick
    case 'key':
      model.keyFree = step.free
      return tick
    case 'rate':
      model.rateOpen = step.open
      return tick
    case 'grant_over':
      for (const approval of snapshot.approvals.values())
        if (approval.status === 'approved' && approval.grant_id !== null) approval.grant_over = true
      return tick
    case 'policy':
      model.policy++
      return tick
  }
}

/** As the driver does it: where the input is refused, the rows stay as they were. */
function apply(model: Model, input: Input): void {
  const was = model.snapshot
  const draft = draftOf(structuredClone(was), model.now)
  try {
    // The rows of a plan become the draft's.
    reconcile(draft, input, limitsOf(model, draft))
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    return checkRefused(model, input, error)
  }
  const told = input.type === 'reported' ? was.tasks.get(input.report.task_id) : undefined
  if (input.type === 'reported' && told) {
    expect(told.token).toBe(input.report.token)
    // Reported before: the answer was lost.
    if (told.actual_status !== 'in_progress') expect(draft.tasks.get(told.task_id)?.result).toEqual(told.result)
  }
  noteEffects(model, was, draft)
  checkOneEffect(model, was, draft, input)
  checkLeases(model, was, draft, input)
  checkAnswers(was, draft, input)
  checkWritten(was, draft)
  checkAuditRows(was, draft)
  checkRows(draft)
  checkProgress(draft)
  checkFinal(was, draft, input)
  for (const { task, token, intent, again } of draft.leases)
    if (!again) model.attempts.push({ taskId: task.task_id, token, intent })
  const { execution, tasks, approvals, parts, plans, progress } = draft
  model.snapshot = { execution, tasks, approvals, parts, plans, progress }
  model.audit.push(...draft.audit)
  if (hasChanged(draft) || input.type === 'tick') model.checkAt = Date.parse(execution.next_check_at)
  if (input.type === 'tick') model.overdue = false
  if (!model.overdue) checkNothingLeft(model)
}

/** Room and keys are what the draft's own tasks leave of them. */
const limitsOf = (model: Model, draft: Draft): Limits => ({
  leaseMs: LEASE_MS,
  autoRollback: model.autoRollback,
  policyVersion: String(model.policy),
  takeSlot: () => running(draft).length < model.slots,
  mayBegin: () => model.rateOpen,
  began: () => undefined,
  keysFree: () => model.keyFree && running(draft).every(({ concurrency_key }) => concurrency_key === null),
  mayAsk: () => true,
  random: () => 0.5,
})

/** What runs may have had its effect at any time from when it was handed out to when it ended. */
function noteEffects(model: Model, was: Snapshot, draft: Draft): void {
  const { effects, begun, count } = model
  for (const task of draft.tasks.values()) {
    const { task_id: id, effect } = task
    const old = was.tasks.get(id)
    const ended =
      old?.actual_status === 'in_progress' && old.intent === 'do' && old.lease_expires_at !== task.lease_expires_at
    if (effect === 'none') effects.delete(id)
    else if (ended) effects.set(id, { from: effects.get(id)?.from ?? begun.get(id) ?? count, to: count })
  }
  for (const { task, intent, again } of draft.leases) if (!again && intent === 'do') begun.set(task.task_id, count)
}

/** A report under an old token, and only that, is stale; without evidence nothing is done. */
function checkRefused({ snapshot }: Model, input: Input, { code }: DeedError): void {
  if (input.type !== 'reported') return
  const task = snapshot.tasks.get(input.report.task_id)
  const stale = task?.token !== input.report.token || task.intent !== input.report.intent
  expect(code).toBe(stale ? 'stale_token' : 'evidence_missing')
}

/** What was undone, or is tried again after it had an effect, does not begin under the agreement that it had then. */
function checkOneEffect({ spent }: Model, was: Snapshot, draft: Draft, { type }: Input): void {
  for (const task of was.tasks.values()) {
    const { task_id: id, approval_id, effect, actual_status: status } = task
    if (approval_id === null) continue
    const now = draft.tasks.get(id)
    const undone = now?.actual_status === 'undone' || status === 'undone'
    const retried =
      (type === 'retried' || type === 'resolved') && effect !== 'none' && status !== 'pending' && now?.intent !== 'undo'
    if (undone || (retried && now?.actual_status === 'pending')) spent.add(`${id} ${approval_id}`)
  }
  for (const { task, intent, again } of draft.leases) {
    if (intent !== 'do' || again || task.approval_id === null) continue
    expect(spent, 'one agreement, one effect').not.toContain(`${task.task_id} ${task.approval_id}`)
  }
}

function checkLeases(model: Model, was: Snapshot, draft: Draft, input: Input): void {
  const { tasks, execution, approvals } = draft
  for (const { task, token, intent, again } of draft.leases) {
    const granted = model.attempts.filter(({ taskId }) => taskId === task.task_id)
    expect(token, 'tokens rise by one').toBe(granted.length + (again ? 0 : 1))
    expect(task.capability, 'nothing of a person is handed out').not.toBe('human')
    if (again) continue
    const old = was.tasks.get(task.task_id)
    if (old?.actual_status === 'in_progress' && old.lease_expires_at !== null && aboutOf(input) !== task.task_id)
      expect(Date.parse(old.lease_expires_at), 'one owner').toBeLessThanOrEqual(model.now)
    if (intent === 'undo') {
      expect(running(draft), 'undoing goes one at a time').toHaveLength(1)
      const resting = dependentsOf(tasks, new Set([task.task_id]))
      const left = resting.filter(({ actual_status }) => !['blocked', 'skipped'].includes(actual_status))
      expect(
        left.map(({ name }) => name),
        'what rests on it is undone first',
      ).toEqual([])
      for (const other of draft.progress.undo) {
        if (['blocked', 'skipped'].includes(other.actual_status)) continue
        const [newer, older] = [model.effects.get(other.task_id), model.effects.get(task.task_id)]
        expect(newer?.from, `${task.name} is undone before ${other.name}`).toBeLessThanOrEqual(older?.to ?? -1)
      }
      continue
    }
    expect(execution.ending, 'what is ending begins nothing').toBeNull()
    expect(execution.status, 'what holds still begins nothing').not.toBe('paused')
    for (const id of task.dependencies) expect(['done', 'skipped'], 'order').toContain(tasks.get(id)?.actual_status)
    if (task.approval_id === null) continue
    const approval = approvals.get(task.approval_id)
    expect(approval?.status, 'agreed to').toBe('used')
    if (was.approvals.get(task.approval_id)?.status === 'used') continue
    expect(draft.consumed).toContain(task.approval_id)
    expect(Date.parse(approval?.expires_at ?? ''), 'agreed to in time').toBeGreaterThan(model.now)
    expect(approval?.policy_version, 'agreed to under the policy that is in force').toBe(String(model.policy))
    expect(approval?.grant_over ?? false, 'approved by a grant in force').toBe(false)
  }
}

/** A question is answered once; the plan comes with the last answer, and never before. */
function checkAnswers(was: Snapshot, draft: Draft, input: Input): void {
  const questions = [...was.tasks.values()].filter(({ task_kind }) => task_kind === 'choose')
  for (const task of questions) if (task.actual_status === 'done') expect(draft.tasks.get(task.task_id)).toEqual(task)
  if (input.type !== 'chosen') return
  const open = questions.filter(({ actual_status: status }) => status === 'pending').map(({ task_id }) => task_id)
  expect(open).toContain(input.taskId)
  expect(input.plan !== undefined).toBe(open.length === 1 && !input.next && !input.refused)
}

/** Whose attempt has ended with this. */
const aboutOf = (input: Input): TaskId | undefined =>
  input.type === 'reported' ? input.report.task_id : input.type === 'replanned' ? input.taskId : undefined

/** Columns that the statement which writes a draft changes; the others are as they were inserted. */
const DESIRED = ['desired_status', 'dependencies', 'level', 'approval_id', 'spec', 'action_hash', 'replans'] as const
const NEVER = [
  'position',
  'name',
  'title',
  'task_kind',
  'capability',
  'priority',
  'concurrency_key',
  'resource_key',
  'on_failure',
] as const
/** Of what is inserted, columns that are left to their defaults. */
const AT_FIRST = { assigned_agent: null, failure_count: 0, effect: 'none', undo_verification: null }

/** What is in the rows is what the tables get to know. */
function checkWritten(was: Snapshot, draft: Draft): void {
  for (const task of draft.tasks.values()) {
    const old = was.tasks.get(task.task_id)
    if (draft.added.has(task.task_id)) {
      expect(old).toBeUndefined()
      expect(task).toMatchObject(AT_FIRST)
      continue
    }
    const seen = { ...task }
    for (const key of NEVER) expect(seen[key], key).toEqual(old?.[key])
    if (!draft.desiredChanged.has(task.task_id)) for (const key of DESIRED) expect(seen[key], key).toEqual(old?.[key])
    if (draft.actualChanged.has(task.task_id)) continue
    const kept = Object.fromEntries(DESIRED.map((key) => [key, task[key]]))
    expect(seen).toEqual({ ...old, ...kept })
  }
  for (const [id, approval] of draft.approvals) {
    if (!draft.approvalsChanged.has(id)) expect(approval).toEqual(was.approvals.get(id))
  }
  if (hasChanged(draft)) return
  expect({ ...draft.execution, next_check_at: '' }).toEqual({ ...was.execution, next_check_at: '' })
}

/** What a task has become, and the row of the audit log that says so. */
const AUDIT_TYPES = {
  done: 'task.done',
  undone: 'task.undone',
  blocked: 'task.blocked',
  failed: 'task.failed',
  skipped: 'task.skipped',
} as const

/** Every transition has its row, and no more than one. */
function checkAuditRows(was: Snapshot, draft: Draft): void {
  const rowsOf = (task: TaskRow, ...types: string[]) =>
    draft.audit.filter(({ type, task_id }) => task_id === task.task_id && types.includes(type))
  for (const task of draft.tasks.values()) {
    const granted = draft.leases.filter((lease) => lease.task === task && !lease.again)
    expect(rowsOf(task, 'task.leased', 'task.undoing').map(({ data }) => data.token)).toEqual(
      granted.map(({ token }) => token),
    )
    const { actual_status: status, task_kind } = task
    const old = was.tasks.get(task.task_id)
    if (task_kind === 'approve' || task_kind === 'review') continue
    if (status === 'failed' && task.desired_status === 'undone') continue
    if (status === 'done' || status === 'undone' || status === 'blocked' || status === 'failed' || status === 'skipped')
      expect(rowsOf(task, AUDIT_TYPES[status]), `${task.name} ${status}`).toHaveLength(
        old?.actual_status === status ? 0 : 1,
      )
  }
  for (const approval of draft.approvals.values()) {
    const old = was.approvals.get(approval.approval_id)?.status
    const type: Partial<Record<ApprovalStatus, string>> = {
      approved: 'approval.decided',
      denied: 'approval.decided',
      expired: 'approval.decided',
      used: 'approval.used',
    }
    const told = draft.audit.filter(
      (row) => row.type === type[approval.status] && row.data.approval_id === approval.approval_id,
    )
    if (type[approval.status]) expect(told.length, approval.status).toBe(old === approval.status ? 0 : 1)
  }
  const ended = draft.audit.filter(({ type }) => type === 'execution.ended').length
  const isFinal = FINAL_EXECUTION_STATUSES.has(draft.execution.status)
  if (isFinal && !FINAL_EXECUTION_STATUSES.has(was.execution.status)) expect(ended).toBe(1)
}

function checkRows(draft: Draft): void {
  const { tasks, execution, approvals } = draft
  const all = [...tasks.values()]
  const blocked = all.filter(({ actual_status }) => actual_status === 'blocked')
  const open = all.filter((task) => reviewOf(task) !== undefined && task.actual_status === 'pending')
  expect(open.map((task) => reviewOf(task)?.about).sort(), 'each blocked task has one open review').toEqual(
    blocked.map(({ task_id }) => task_id).sort(),
  )
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  for (const task of all) {
    if (task.actual_status === 'done') expect(task.verification?.outcome, 'evidence').toBe('verified')
    if (task.actual_status === 'undone') {
      expect(task.undo_verification?.outcome, 'evidence').toBe('verified')
      expect(task.effect).toBe('none')
    }
    expect(task.lease_expires_at !== null, 'a running task has a lease').toBe(task.actual_status === 'in_progress')
    if (task.capability === 'human') expect(task.token).toBe(0)
  }
  if (!FINAL_EXECUTION_STATUSES.has(execution.status)) return
  const unended = all.filter(({ actual_status: status }) => status === 'pending' || status === 'in_progress')
  expect(unended.filter((task) => reviewOf(task) === undefined).map(({ name }) => name)).toEqual([])
  expect([...approvals.values()].filter(({ status }) => status === 'pending')).toEqual([])
  if (execution.status === 'done')
    for (const { actual_status, task_kind } of all)
      if (task_kind !== 'review') expect(['done', 'skipped', 'undone']).toContain(actual_status)
  if (execution.status === 'rolled_back') for (const { effect } of all) expect(effect).toBe('none')
  if (blocked.length > 0) expect(execution.status).toBe('rollback_failed')
}

/** What is kept as tasks change is what one would find by looking at all of them. */
function checkProgress({ progress, tasks }: Draft): void {
  expect(seenOf(progress)).toEqual(seenOf(progressOf(tasks)))
}

function seenOf(progress: Progress) {
  const names = (rows: Iterable<TaskRow>): string[] => [...rows].map(({ name }) => name).sort()
  const { running: runs, failed, undo, ready, counts } = progress
  return {
    ...{ running: names(runs), failed: names(failed), undo: names(undo), counts: { ...counts } },
    next: nextToUndo(progress)?.name,
    ready: [...ready]
      .flatMap(([capability, one]) => names(readyTasks(one)).map((name) => `${capability} ${name}`))
      .sort(),
  }
}

/** Only a person's word leaves what is final. */
function checkFinal(was: Snapshot, draft: Draft, { type }: Input): void {
  if (!FINAL_EXECUTION_STATUSES.has(was.execution.status)) return
  if (type === 'rolled_back' || type === 'retried' || type === 'resolved') return
  expect(draft.leases).toEqual([])
  expect({ ...draft.execution, next_check_at: '', audit_seq: 0, audit_hash: '' }).toEqual({
    ...{ ...was.execution, next_check_at: '', audit_seq: 0, audit_hash: '' },
  })
  expect(draft.tasks).toEqual(was.tasks)
  expect(draft.audit.filter(({ type: told }) => told !== 'approval.refused')).toEqual([])
}

/** Reconciling again, with no event in between, finds nothing to do. */
function checkNothingLeft(model: Model): void {
  const draft = draftOf(structuredClone(model.snapshot), model.now)
  reconcile(draft, { type: 'tick' }, limitsOf(model, draft))
  expect(draft.leases.filter(({ again }) => !again)).toEqual([])
  expect(draft.audit).toEqual([])
  expect(hasChanged(draft), 'there is nothing left to do').toBe(false)
}

function checkChain({ audit, snapshot }: Model): void {
  let hash = ''
  for (const [index, { seq, type, at, task_id, data, hash: kept }] of audit.entries()) {
    expect(seq).toBe(index + 1)
    hash = sha256(hash + canonicalJson({ execution_id: ID, seq, type, at, task_id, data }))
    expect(kept).toBe(hash)
  }
  expect(snapshot.execution).toMatchObject({ audit_seq: audit.length, audit_hash: hash })
}

const ROUNDS_MAX = 200

/**
 * Every attempt succeeds and there is room for all; time jumps to when the tables say that somebody looks.
 *
 * @param peopleCome whether people agree, provide, and have what is stuck tried again; else each of them is asked, once
 */
function bringToRest(model: Model, peopleCome: boolean): void {
  Object.assign(model, { slots: 99, keyFree: true, rateOpen: true })
  take(model, { op: 'steer', wish: 'resumed' })
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { snapshot } = model
    if (FINAL_EXECUTION_STATUSES.has(snapshot.execution.status)) return
    const [task] = running(snapshot)
    if (task) {
      take(
        model,
        task.intent === 'solve'
          ? { op: 'solution', pick: 0, acts: 1, approval: false }
          : { op: 'report', pick: 0, verdict: 'done' },
      )
      continue
    }
    const wanted = asked(snapshot)
    if (!peopleCome && wanted.length > 0) {
      if (snapshot.execution.status === 'waiting') return
    } else if (peopleCome && wanted[0] && (expiryOf(wanted[0]) ?? Number.POSITIVE_INFINITY) > model.now + 1) {
      // What has expired is answered by nobody; the next look ends it.
      model.now++
      apply(model, agreedAgain(model, answerTo(model, wanted[0])))
      continue
    }
    take(model, { op: 'tick', ms: Math.max(1, model.checkAt - model.now) })
  }
  const { execution: one, tasks } = model.snapshot
  throw new Error(`still ${one.status} after ${ROUNDS_MAX} rounds: ${JSON.stringify([...tasks.values()], null, 1)}`)
}

/** Work that is tried again comes with the agreements that it needs, as the handler of the message adds them. */
function agreedAgain(model: Model, input: Input): Input {
  const { snapshot, now } = model
  const moment = { now, policyVersion: String(model.policy) }
  let needing: TaskRow[] = []
  if (input.type === 'resolved') needing = retriedBy(snapshot, input, moment)
  else if (input.type === 'retried' && ['failed', 'cancelled', 'rolled_back'].includes(snapshot.execution.status)) {
    needing = [...snapshot.tasks.values()].filter(
      (task) =>
        !['done', 'skipped'].includes(task.actual_status) &&
        task.task_kind !== 'approve' &&
        needsApproval(task, snapshot, moment),
    )
  }
  if (needing.length === 0) return input
  const { work, approvalId } = moreWork(model, 0, true, [])
  const [asks] = work.tasks
  if (approvalId === undefined || !asks) throw new Error('nobody is asked')
  const askers = new Set([...snapshot.approvals.values()].map(({ task_id }) => task_id))
  const tasks = needing.map(({ task_id, spec, action_hash, level, dependencies }) => ({
    ...{ task_id, spec, action_hash, level, approval_id: approvalId },
    dependencies: [...dependencies.filter((id) => !askers.has(id)), asks.task_id],
  }))
  return { ...input, again: { tasks, work } } as Input
}

/** Whom somebody is asked about now. */
const asked = ({ tasks, approvals }: Snapshot): TaskRow[] =>
  [...tasks.values()].filter(
    ({ capability, actual_status, started_at, task_id }) =>
      capability === 'human' &&
      actual_status === 'pending' &&
      (started_at !== null ||
        [...approvals.values()].some(
          (one) => one.task_id === task_id && one.status === 'pending' && one.asked_at !== null,
        )),
  )

/** What a handler makes of an answer: with the last one comes the plan. */
function answerOf(model: Model, task: TaskRow, comes: 'plan' | 'next' | 'refused' | 'nothing'): Input {
  const { snapshot } = model
  const answer = { taskId: task.task_id, by: 'ada', reason: null, reading: 'it' }
  if (comes === 'next') {
    const name = `asked-${snapshot.tasks.size}`
    const asked = {
      task_id: taskId(name),
      name,
      title: name,
      position: snapshot.tasks.size,
      priority: 1,
      now: model.now,
    }
    const next = newTask(execution(false), {
      ...asked,
      ...{ task_kind: 'choose' as const, capability: 'human' as const, spec: QUESTION },
    })
    return { type: 'chosen', ...answer, chosen: { words: 'it' }, next }
  }
  if (comes === 'refused') {
    return { type: 'chosen', ...answer, chosen: { words: 'it' }, refused: failure('not_understood', false) }
  }
  // A handler that knows an older state brings a plan too early, or none with the last answer; both are refused.
  const planned = comes === 'plan' && isLastQuestion(snapshot, task)
  const { work } = moreWork(model, 1, false, [task.task_id])
  const plan = planned ? { plan: { work, found: { method: 'autonomous' as const } } } : {}
  return { type: 'chosen', ...answer, chosen: { option: 'one' }, ...plan }
}

function answerTo(model: Model, task: TaskRow): Input {
  const { approvals } = model.snapshot
  if (task.task_kind === 'choose') return answerOf(model, task, 'plan')
  if (task.task_kind !== 'approve') return resolution(task.task_id, task.task_kind === 'review' ? 'retry' : 'provide')
  const approval = [...approvals.values()].find(({ task_id }) => task_id === task.task_id)
  if (!approval) throw new Error(`there is no approval of ${task.name}`)
  return { type: 'decided', approvalId: approval.approval_id, approve: true, by: 'ada', reason: null }
}

/**
 * Everything succeeds. At each step one of those that run reports, as `order` has it, and so does one that has reported
 * before. @returns the tables, without times, ids and what depends on them
 */
function playedOut(plan: Plan, order: number[]): unknown {
  const model = begin({ ...plan, autoRollback: true })
  const turns = [...order]
  for (let round = 0; round < ROUNDS_MAX && !FINAL_EXECUTION_STATUSES.has(model.snapshot.execution.status); round++) {
    const turn = turns.shift() ?? 0
    const runs = running(model.snapshot)
    const [wanted] = asked(model.snapshot)
    model.now++
    const told = chosen(
      model.attempts.filter((one) => !runs.some(({ task_id }) => task_id === one.taskId)),
      turn,
    )
    if (told && turn > 0) apply(model, { type: 'reported', report: reportOf(told, 'failed', model.now) })
    const task = chosen(runs, turn)
    if (task) {
      const attempt = { taskId: task.task_id, token: task.token as FencingToken, intent: task.intent }
      apply(model, { type: 'reported', report: reportOf(attempt, 'done', model.now) })
    } else if (wanted) apply(model, answerTo(model, wanted))
    else take(model, { op: 'tick', ms: Math.max(1, model.checkAt - model.now) })
  }
  const { execution: one, tasks } = model.snapshot
  return [
    one.status,
    ...[...tasks.values()].map(({ name, actual_status, token, effect }) => ({ name, actual_status, token, effect })),
  ]
}

const running = ({ tasks }: Pick<Snapshot, 'tasks'>): TaskRow[] =>
  [...tasks.values()].filter(({ actual_status }) => actual_status === 'in_progress')

const chosen = <T>(among: readonly T[], index: number): T | undefined => among[index % Math.max(1, among.length)]

const resolution = (taskId: TaskId, decision: PersonDecision): Input => ({
  type: 'resolved',
  taskId,
  decision,
  by: 'ada',
  reason: null,
  result: decision === 'provide' ? { text: 'looked after it' } : null,
})

function reportOf({ taskId, token, intent }: Attempt, verdict: Verdict, now: number): TaskReport {
  const proven = verdict === 'done' || verdict === 'already_so'
  const evidence: Evidence = {
    kind: 'observed',
    outcome: 'verified',
    claimed: 'did it',
    observed: 'it is so',
    observed_at: isoTime(now),
  }
  const made = intent !== 'solve' && ['done', 'claimed', 'transient_made', 'failed_made'].includes(verdict)
  return {
    task_id: taskId,
    execution_id: ID,
    token,
    worker_id: 'worker',
    intent,
    outcome: proven || verdict === 'claimed' ? 'done' : 'failed',
    effect: made ? 'made' : 'none',
    ...(proven ? { evidence, result: { text: 'did it' } } : {}),
    ...(verdict.startsWith('transient') ? { error: failure('unavailable', true) } : {}),
    ...(verdict.startsWith('failed') ? { error: failure('effect_failed', false) } : {}),
    tokens_used: 0,
    cost_microusd: 0,
    duration_ms: 1,
  }
}

const failure = (code: ErrorBody['code'], retryable: boolean): ErrorBody => ({
  code,
  message: 'it would not',
  retryable,
})

const taskId = (name: string): TaskId => uuidV5(ID, name) as TaskId

function workOf({ tasks, approvals }: Plan): Work {
  const named = (index: number): string => `task-${index}`
  const ids = approvals.map((_, index) => uuidV5(ID, `approval-${index}`) as ApprovalId)
  // Nothing that an agreement covers comes before what it is asked after.
  const firstCovered = (index: number): number => tasks.findIndex(({ approval }) => approval === index)
  const made = tasks.map(({ kind, wants, approval, onFailure, priority, key }, index) => {
    // What is asked after other tasks comes after them itself.
    const first = approvals[approval ?? -1]?.wants ?? []
    const asks =
      approval === undefined
        ? []
        : [...before(first, firstCovered(approval)).map((want) => taskId(named(want))), taskId(`approve-${approval}`)]
    return newTask(execution(false), {
      ...{
        task_id: taskId(named(index)),
        name: named(index),
        title: named(index),
        position: index,
        priority,
        now: START,
      },
      task_kind: kind === 'solve' || kind === 'choose' ? kind : 'act',
      capability: kind === 'person' || kind === 'choose' ? 'human' : kind,
      dependencies: [...wants.map((want) => taskId(named(want))), ...asks],
      approval_id: approval === undefined ? null : (ids[approval] ?? null),
      level: approval === undefined ? 0 : 1,
      on_failure: onFailure,
      concurrency_key: key && kind === 'act' ? 'key' : null,
      ...(kind === 'person' ? { spec: { input: { ask: 'look', expires_in_ms: PERSON_MS } } } : {}),
      ...(kind === 'act' ? { spec: { input: { target: 'web' } } } : {}),
      ...(kind === 'choose' ? { spec: QUESTION } : {}),
    })
  })
  const asking = approvals.flatMap(({ ahead, wants }, index) => {
    const covered = firstCovered(index)
    if (covered < 0) return []
    const name = `approve-${index}`
    const task = newTask(execution(false), {
      ...{ task_id: taskId(name), name, title: name, position: tasks.length + index, priority: 5, now: START },
      ...{ task_kind: 'approve' as const, capability: 'human' as const },
      dependencies: before(wants, covered).map((want) => taskId(named(want))),
      ...(ahead ? { actual_status: 'done' as const, verification: AGREED } : {}),
    })
    return [{ task, approval: approvalRow(ids[index] as ApprovalId, task.task_id, ahead) }]
  })
  const all = [...made, ...asking.map(({ task }) => task)]
  return { tasks: all, approvals: asking.map(({ approval }) => approval), plan: planOf(all, '1') }
}

const QUESTION = {
  node: 'task',
  ask: { description: 'do it' },
  question: { text: 'what?', options: [] },
  round: 1,
  expires_in_ms: PERSON_MS,
}

const AGREED: Evidence = {
  kind: 'signed',
  outcome: 'verified',
  claimed: 'approval required',
  observed: 'pre-approved',
  observed_at: isoTime(START),
}

const solutionOf = (model: Model, task: TaskRow, { acts, approval }: { acts: number; approval: boolean }): Work =>
  moreWork(model, acts, approval && acts > 0, [...task.dependencies, task.task_id]).work

/** Tasks that are found on the way, in a row, and the agreement to them. */
function moreWork(
  model: Model,
  acts: number,
  approval: boolean,
  after: TaskId[],
): { work: Work; approvalId?: ApprovalId } {
  const { tasks, approvals } = model.snapshot
  const base = tasks.size
  const asks = newTask(execution(false), {
    ...{
      task_id: taskId(`approve-${base}`),
      name: `approve-${base}`,
      title: 'agree',
      position: base,
      priority: 5,
      now: model.now,
    },
    ...{ task_kind: 'approve' as const, capability: 'human' as const },
    dependencies: after,
  })
  const approvalId = uuidV5(ID, `approval-${base}-${approvals.size}`) as ApprovalId
  const made: TaskRow[] = []
  for (let index = 1; index <= acts; index++) {
    const name = `found-${base + index}`
    const last = made.at(-1)
    made.push(
      newTask(execution(false), {
        ...{ task_id: taskId(name), name, title: name, position: base + index, priority: 5, now: model.now },
        ...{ task_kind: 'act' as const, capability: 'act' as const, level: approval ? 1 : 0 },
        dependencies: [...after, ...(last ? [last.task_id] : []), ...(approval ? [asks.task_id] : [])],
        approval_id: approval ? approvalId : null,
      }),
    )
  }
  const all = approval ? [...made, asks] : made
  const plan = planOf(all, String(model.policy))
  if (!approval) return { work: { tasks: all, approvals: [], plan } }
  const row = { ...approvalRow(approvalId, asks.task_id, false), policy_version: String(model.policy) }
  row.created_at = isoTime(model.now)
  row.expires_at = isoTime(model.now + APPROVAL_MS)
  return { work: { tasks: all, approvals: [row], plan }, approvalId }
}

const planOf = (tasks: readonly TaskRow[], policy: string): Work['plan'] => ({
  number: 0,
  plan: { parts: [{ title: 'it', answer: { kind: 'actions' }, tasks: tasks.map(({ task_id }) => task_id) }] },
  plan_hash: 'plan',
  policy_version: policy,
})

const approvalRow = (id: ApprovalId, task: TaskId, ahead: boolean): ApprovalRow => ({
  tenant: 'local',
  approval_id: id,
  execution_id: ID,
  task_id: task,
  level: 1,
  status: ahead ? 'approved' : 'pending',
  plan_hash: 'plan',
  policy_version: '1',
  sealed: {},
  actions: [],
  plan_number: 0,
  grant_id: ahead ? GRANT : null,
  requested_by: 'user',
  decided_by: ahead ? 'ada' : null,
  reason: null,
  created_at: isoTime(START),
  asked_at: ahead ? isoTime(START) : null,
  decided_at: ahead ? isoTime(START) : null,
  consumed_at: null,
  expires_at: isoTime(START + APPROVAL_MS),
})

const execution = (ask: boolean): ExecutionRow => ({
  ...newExecution(
    {
      request: {
        task: 'do it',
        mode: 'auto',
        priority: 'normal',
        dry_run: false,
        ...(ask ? { on_failure: 'ask' } : {}),
      },
      principal: { tenant: 'local', user: 'user' },
      trace: '',
    },
    START,
  ),
  execution_id: ID,
})
