/**
 * The reconciler's core: what has happened, applied to the rows, and the next steps towards what is
 * desired. Given the rows, the input, the time and the limits it always decides the same; nothing in
 * here waits, reads or writes.
 *
 * Failure, cancelling and rollback only change what is desired (`done`, `cancelled`, `undone`); the
 * one `settle` below does the rest.
 */
import { randomUUIDv7 } from 'node:crypto'
import { uuidV5 } from '@deed/mesh/canonical-json'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ApprovalId, FencingToken, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import { type Capability, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { TaskReport } from '@deed/proto/task'
import { aggregate } from './answer.ts'
import { addApprovals, addTasks, type Draft, isoTime, record, setActual, setApproval, setDesired } from './draft.ts'
import type { ApprovalRow, Ending, ExecutionRow, PlanRow, TaskRow } from './snapshot.ts'

/** Backoff after transient failures: 1, 2, 4 ... seconds, with jitter, up to the cap. */
const BACKOFF_MS_FIRST = 1_000
const BACKOFF_MS_MAX = 60_000
/** More failures than this, and no progress for as long: a person is asked, once. */
const FAILURES_MAX = 10
const STUCK_MS = 3_600_000
/** An attempt that no worker has claimed after this is handed out again, under the same token. */
const HAND_OUT_AGAIN_MS = 1_500
/** A task that waits for room, and an execution that waits for its plan, are looked at again after these. */
const NO_ROOM_MS = 1_000
const PLANNING_MS = 5_000
const FAR_MS = 3_600_000
/** How often a task whose target had changed is looked at and decided again. */
const REPLANS_MAX = 3

/** Work found for an execution: tasks, the approvals they wait for, and how their results are told. */
export interface Work {
  tasks: TaskRow[]
  approvals: ApprovalRow[]
  plan: PlanRow
}

export type Input =
  | { type: 'planned'; work: Work; found: Partial<ExecutionRow> }
  | { type: 'answered'; found: Partial<ExecutionRow>; evidence: Evidence[] }
  | { type: 'plan_failed'; error: ErrorBody; found: Partial<ExecutionRow> }
  /** `solved` is the work that the report's solution came to. */
  | { type: 'reported'; report: TaskReport; solved?: Work; refused?: ErrorBody }
  /** The target was not as the plan expected; the task, sealed anew. */
  | { type: 'replanned'; taskId: TaskId; token: FencingToken; task: Partial<TaskRow>; work: Work }
  | { type: 'decided'; approvalId: ApprovalId; approve: boolean; by: string; reason: string | null }
  | { type: 'cancelled'; reason: string | null; undo: boolean; by: string }
  | { type: 'rolled_back'; reason: string | null; by: string }
  | { type: 'tick' }

export interface Limits {
  leaseMs: number
  autoRollback: boolean
  /** Takes a free slot, or remembers that the execution waits for one. */
  takeSlot(capability: Capability, execution: ExecutionRow): boolean
  /** Whether nothing else is known to run under this concurrency key. */
  keyFree(key: string): boolean
  /** 0 to 1. */
  random(): number
}

/**
 * Applies what has happened, then settles.
 *
 * @throws {DeedError} when the input cannot be applied (`stale_token`, `unknown_task`, `approval_already_used`, ...);
 *   the draft is void then
 */
export function reconcile(draft: Draft, input: Input, limits: Limits): void {
  apply(draft, input, limits)
  settle(draft, limits)
}

function apply(draft: Draft, input: Input, limits: Limits): void {
  switch (input.type) {
    case 'planned':
      return planned(draft, input)
    case 'answered':
      return answered(draft, input)
    case 'plan_failed':
      Object.assign(draft.execution, input.found)
      return end(draft, 'failed', input.error)
    case 'reported':
      return reported(draft, input, limits)
    case 'replanned':
      return replanned(draft, input)
    case 'decided':
      return decided(draft, input)
    case 'cancelled':
      return cancelled(draft, input)
    case 'rolled_back':
      return rolledBack(draft, input)
    case 'tick':
      return expired(draft, limits)
  }
}

// What has happened

function planned(draft: Draft, { work, found }: { work: Work; found: Partial<ExecutionRow> }): void {
  // Thought out twice, by two replicas: the first plan stands.
  if (draft.execution.status !== 'planning' || draft.tasks.size > 0) return
  Object.assign(draft.execution, found)
  draft.executionChanged = true
  addWork(draft, work)
  draft.execution.status = 'running'
  record(draft, 'execution.planned', {
    plan_hash: work.plan.plan_hash,
    policy_version: work.plan.policy_version,
    tasks: work.tasks.length,
    method: draft.execution.method,
  })
}

function addWork(draft: Draft, { tasks, approvals, plan }: Work): void {
  addTasks(draft, tasks)
  addApprovals(draft, approvals)
  plan.number = draft.plans + 1
  draft.plans = plan.number
  draft.plan = plan
  draft.parts.push(...plan.plan.parts)
}

function answered(draft: Draft, { found, evidence }: { found: Partial<ExecutionRow>; evidence: Evidence[] }): void {
  if (draft.execution.status !== 'planning') return
  Object.assign(draft.execution, found)
  draft.execution.cited = evidence
  finish(draft, 'done')
}

function reported(
  draft: Draft,
  { report, solved, refused }: { report: TaskReport; solved?: Work; refused?: ErrorBody },
  limits: Limits,
): void {
  const task = draft.tasks.get(report.task_id)
  if (!task) throw new DeedError('unknown_task', `task ${report.task_id} is not of this execution`)
  if (task.token !== report.token || task.intent !== report.intent) {
    throw new DeedError('stale_token', `task ${report.task_id}: fencing token ${report.token} is no longer the newest`)
  }
  // The same report again, after its answer was lost.
  if (task.actual_status !== 'in_progress') return
  const { execution } = draft
  execution.tokens_used += report.tokens_used
  execution.cost_microusd += report.cost_microusd
  if (report.model !== undefined) execution.model_used = report.model
  if (report.method !== undefined && report.intent === 'solve') execution.method = report.method
  draft.executionChanged = true
  setActual(draft, task, {
    lease_expires_at: null,
    assigned_agent: report.worker_id,
    finished_at: isoTime(draft.now),
    effect: report.effect === 'none' ? task.effect : report.effect,
  })
  if (report.intent === 'undo') return undoReported(draft, task, report, limits)
  if (report.outcome === 'done' && refused === undefined) return doneReported(draft, task, report, solved)
  failedReported(draft, task, refused ?? report.error ?? noReason(report), report, limits)
}

const noReason = (report: TaskReport): ErrorBody => ({
  code: 'effect_failed',
  message: `${report.worker_id} reported a failure without a reason`,
  retryable: false,
})

function doneReported(draft: Draft, task: TaskRow, report: TaskReport, solved: Work | undefined): void {
  if (!report.evidence || (task.task_kind === 'act' && report.evidence.outcome !== 'verified')) {
    throw new DeedError('evidence_missing', `task ${task.name} cannot be done without evidence that verifies it`)
  }
  setActual(draft, task, {
    actual_status: 'done',
    verification: report.evidence,
    result: report.result ?? null,
    last_error: null,
    next_attempt_at: null,
    progress_at: isoTime(draft.now),
  })
  record(draft, 'task.done', { name: task.name, token: task.token, evidence: report.evidence }, task.task_id)
  // It ended after it was no longer wanted: what it did is undone.
  if (task.desired_status === 'cancelled' && task.effect !== 'none')
    setDesired(draft, task, { desired_status: 'undone' })
  if (solved) {
    const actions = solved.tasks.filter(({ task_kind }) => task_kind === 'act').map(({ task_id }) => task_id)
    for (const dependent of draft.tasks.values()) {
      if (dependent.dependencies.includes(task.task_id)) {
        setDesired(draft, dependent, { dependencies: [...dependent.dependencies, ...actions] })
      }
    }
    addWork(draft, solved)
    draft.parts.splice(0, draft.parts.length, ...draft.parts.filter((part) => !part.tasks.includes(task.task_id)))
  }
}

function failedReported(draft: Draft, task: TaskRow, error: ErrorBody, report: TaskReport, limits: Limits): void {
  if (report.evidence) setActual(draft, task, { verification: report.evidence })
  if (task.desired_status !== 'done') {
    setActual(draft, task, { actual_status: 'cancelled', last_error: error })
    if (task.effect !== 'none') setDesired(draft, task, { desired_status: 'undone' })
    record(draft, 'task.cancelled', { name: task.name, effect: task.effect }, task.task_id)
    return
  }
  if (error.retryable) return retryLater(draft, task, error, limits)
  setActual(draft, task, { actual_status: 'failed', failure_count: task.failure_count + 1, last_error: error })
  record(
    draft,
    'task.failed',
    { name: task.name, token: task.token, error, evidence: report.evidence ?? null },
    task.task_id,
  )
}

function undoReported(draft: Draft, task: TaskRow, report: TaskReport, limits: Limits): void {
  if (report.outcome === 'done') {
    if (report.evidence?.outcome !== 'verified') {
      throw new DeedError(
        'evidence_missing',
        `the undoing of ${task.name} cannot be done without evidence that verifies it`,
      )
    }
    setActual(draft, task, {
      actual_status: 'undone',
      undo_verification: report.evidence,
      effect: 'none',
      last_error: null,
    })
    record(draft, 'task.undone', { name: task.name, evidence: report.evidence }, task.task_id)
    return
  }
  const error = report.error ?? noReason(report)
  if (error.retryable && task.failure_count < FAILURES_MAX) {
    setActual(draft, task, {
      actual_status: 'failed',
      failure_count: task.failure_count + 1,
      last_error: error,
      next_attempt_at: isoTime(draft.now + backoff(task.failure_count, limits)),
    })
    record(draft, 'task.retried', { name: task.name, error, intent: 'undo' }, task.task_id)
    return
  }
  setActual(draft, task, { actual_status: 'blocked', last_error: error })
  record(draft, 'task.blocked', { name: task.name, error, intent: 'undo' }, task.task_id)
  askPerson(draft, task)
}

function retryLater(draft: Draft, task: TaskRow, error: ErrorBody, limits: Limits): void {
  const failures = task.failure_count + 1
  if (failures > FAILURES_MAX && draft.now - Date.parse(task.progress_at) > STUCK_MS) {
    setActual(draft, task, { actual_status: 'blocked', failure_count: failures, last_error: error })
    record(draft, 'task.blocked', { name: task.name, error }, task.task_id)
    askPerson(draft, task)
    return
  }
  const next = isoTime(draft.now + backoff(task.failure_count, limits))
  setActual(draft, task, {
    actual_status: 'pending',
    failure_count: failures,
    last_error: error,
    next_attempt_at: next,
    finished_at: null,
  })
  record(draft, 'task.retried', { name: task.name, failures, error, next_attempt_at: next }, task.task_id)
}

function backoff(failures: number, limits: Limits): number {
  const full = Math.min(BACKOFF_MS_FIRST * 2 ** failures, BACKOFF_MS_MAX)
  return full * (0.5 + limits.random() / 2)
}

/** One review for a task, however often it fails. */
function askPerson(draft: Draft, task: TaskRow): void {
  const name = `HUMAN-REVIEW-${task.name}`
  for (const { name: taken } of draft.tasks.values()) if (taken === name) return
  const review = newTask(draft.execution, {
    task_id: uuidV5(draft.execution.execution_id, name) as TaskId,
    position: draft.tasks.size,
    name,
    title: `${task.title}: ${task.last_error?.message ?? 'a person must look'}`,
    task_kind: 'review',
    capability: 'human',
    priority: 1,
    now: draft.now,
  })
  addTasks(draft, [review])
}

function replanned(
  draft: Draft,
  input: { taskId: TaskId; token: FencingToken; task: Partial<TaskRow>; work: Work },
): void {
  const task = draft.tasks.get(input.taskId)
  if (!task || task.token !== input.token || task.actual_status !== 'in_progress') {
    throw new DeedError('stale_token', `task ${input.taskId}: fencing token ${input.token} is no longer the newest`)
  }
  if (task.replans >= REPLANS_MAX) {
    setActual(draft, task, {
      actual_status: 'failed',
      lease_expires_at: null,
      last_error: {
        code: 'precondition_failed',
        message: `the target of "${task.title}" changed each time it was looked at; try again when it is quiet`,
        retryable: false,
      },
    })
    record(draft, 'task.failed', { name: task.name, error: task.last_error }, task.task_id)
    return
  }
  const approve = input.work.tasks.map(({ task_id }) => task_id)
  setDesired(draft, task, {
    ...input.task,
    replans: task.replans + 1,
    dependencies: [...task.dependencies, ...approve],
  })
  setActual(draft, task, {
    actual_status: 'pending',
    lease_expires_at: null,
    next_attempt_at: null,
    assigned_agent: null,
  })
  record(draft, 'task.replanned', { name: task.name, level: task.level, action_hash: task.action_hash }, task.task_id)
  addWork(draft, input.work)
}

function decided(
  draft: Draft,
  { approvalId, approve, by, reason }: { approvalId: ApprovalId; approve: boolean; by: string; reason: string | null },
): void {
  const approval = draft.approvals.get(approvalId)
  if (!approval) throw new DeedError('not_found', `there is no approval ${approvalId}`)
  if (approval.status === 'expired' || Date.parse(approval.expires_at) <= draft.now) {
    throw new DeedError('approval_expired', 'the approval has expired; ask for the task again')
  }
  if (approval.status !== 'pending') {
    throw new DeedError('approval_already_used', `the approval is ${approval.status} already`)
  }
  const task = draft.tasks.get(approval.task_id)
  setApproval(draft, approval, {
    status: approve ? 'approved' : 'denied',
    decided_by: by,
    reason,
    decided_at: isoTime(draft.now),
  })
  record(
    draft,
    'approval.decided',
    { approval_id: approvalId, decision: approve ? 'approve' : 'deny', by, reason, plan_hash: approval.plan_hash },
    approval.task_id,
  )
  if (!approve) {
    return end(draft, 'denied', {
      code: 'approval_denied',
      message: `${by} denied it${reason === null ? '' : `: ${reason}`}`,
      retryable: false,
    })
  }
  if (!task) return
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: isoTime(draft.now),
    verification: {
      kind: 'signed',
      outcome: 'verified',
      claimed: 'approval wanted',
      observed: `approved by ${by}`,
      observed_at: isoTime(draft.now),
      facts: { approval_id: approvalId, plan_hash: approval.plan_hash, policy_version: approval.policy_version },
    },
  })
}

function cancelled(draft: Draft, { reason, undo, by }: { reason: string | null; undo: boolean; by: string }): void {
  const { execution } = draft
  if (execution.status === 'cancelled' || execution.ending !== null) return
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) {
    throw new DeedError('not_cancellable', `the execution is ${execution.status} already; roll it back to undo it`)
  }
  record(draft, 'execution.cancel_requested', { by, reason, undo })
  end(
    draft,
    'cancelled',
    { code: 'cancelled', message: `cancelled by ${by}${reason === null ? '' : `: ${reason}`}`, retryable: false },
    undo,
  )
}

function rolledBack(draft: Draft, { reason, by }: { reason: string | null; by: string }): void {
  const { execution } = draft
  if (execution.status === 'rolled_back' || execution.status === 'undoing') return
  if (!FINAL_EXECUTION_STATUSES.has(execution.status)) {
    throw new DeedError('not_undoable', `the execution is ${execution.status}; cancel it with undo instead`)
  }
  const effects = [...draft.tasks.values()].filter(({ effect }) => effect !== 'none')
  if (effects.length === 0)
    throw new DeedError('not_undoable', 'the execution has changed nothing that could be undone')
  record(draft, 'execution.rollback_requested', { by, reason })
  execution.status = 'undoing'
  execution.finished_at = null
  execution.settled = false
  end(draft, 'rolled_back', null, true)
}

/** Leases and approvals whose time is over. */
function expired(draft: Draft, limits: Limits): void {
  for (const task of draft.tasks.values()) {
    if (task.actual_status !== 'in_progress' || task.lease_expires_at === null) continue
    if (Date.parse(task.lease_expires_at) > draft.now) {
      if (task.assigned_agent === null && draft.now - Date.parse(task.last_attempt ?? '') > HAND_OUT_AGAIN_MS) {
        draft.leases.push({ task, token: task.token as FencingToken, intent: task.intent, again: true })
      }
      continue
    }
    const error: ErrorBody = {
      code: 'lease_lost',
      message: `${task.assigned_agent ?? 'nobody'} did not say in time that it still works on it`,
      retryable: true,
    }
    setActual(draft, task, { lease_expires_at: null })
    const begun = task.assigned_agent !== null
    // Nobody knows what came of it; the ledger does, whoever takes it over.
    if (task.task_kind === 'act') setActual(draft, task, { effect: 'unknown' })
    setActual(draft, task, { assigned_agent: null })
    if (task.intent === 'undo') setActual(draft, task, { actual_status: 'failed', last_error: error })
    else if (task.desired_status !== 'done') setActual(draft, task, { actual_status: 'cancelled', last_error: error })
    else if (begun) retryLater(draft, task, error, limits)
    // What was never begun has not failed.
    else setActual(draft, task, { actual_status: 'pending' })
    if (task.desired_status === 'cancelled' && task.effect !== 'none') {
      setDesired(draft, task, { desired_status: 'undone' })
    }
  }
  for (const approval of draft.approvals.values()) {
    if (approval.status !== 'pending' && approval.status !== 'approved') continue
    if (Date.parse(approval.expires_at) > draft.now) continue
    setApproval(draft, approval, { status: 'expired' })
    record(draft, 'approval.decided', { approval_id: approval.approval_id, decision: 'expired' }, approval.task_id)
    if (draft.execution.ending === null) {
      end(draft, 'denied', { code: 'approval_expired', message: 'nobody approved it in time', retryable: false })
    }
  }
}

/** Sets what is desired of every task to what the ending asks for. */
function end(draft: Draft, ending: Ending, error: ErrorBody | null, undo = true): void {
  const { execution } = draft
  draft.executionChanged = true
  execution.ending = ending
  if (error !== null) execution.error = error
  for (const task of draft.tasks.values()) {
    if (task.actual_status === 'pending' || task.actual_status === 'blocked') {
      if (task.effect === 'none') {
        setDesired(draft, task, { desired_status: 'cancelled' })
        setActual(draft, task, { actual_status: 'cancelled' })
      } else {
        setDesired(draft, task, { desired_status: 'undone' })
        setActual(draft, task, { actual_status: 'cancelled' })
      }
    } else if (task.actual_status === 'in_progress') {
      if (task.task_kind === 'solve') setActual(draft, task, { actual_status: 'cancelled', lease_expires_at: null })
      setDesired(draft, task, { desired_status: undo && task.task_kind === 'act' ? 'undone' : 'cancelled' })
    } else if (undo && task.effect !== 'none' && task.actual_status !== 'undone') {
      setDesired(draft, task, { desired_status: 'undone' })
    }
  }
  for (const approval of draft.approvals.values()) {
    if (approval.status === 'pending') setApproval(draft, approval, { status: 'cancelled' })
  }
}

// The next steps

function settle(draft: Draft, limits: Limits): void {
  const { execution } = draft
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) return
  if (execution.ending === null) {
    if (draft.tasks.size === 0) return checkAgain(draft, draft.now + PLANNING_MS)
    const failed = [...draft.tasks.values()].find(
      ({ actual_status, desired_status }) => actual_status === 'failed' && desired_status === 'done',
    )
    if (failed) end(draft, 'failed', failed.last_error, limits.autoRollback)
    else return goForward(draft, limits)
  }
  goBack(draft, limits)
}

function goForward(draft: Draft, limits: Limits): void {
  const { execution, tasks } = draft
  let open = 0
  let running = 0
  let check = draft.now + FAR_MS
  for (const task of tasks.values()) {
    if (task.actual_status === 'in_progress') {
      open++
      running++
      check = Math.min(check, nextLook(task))
    } else if (task.actual_status === 'pending') {
      open++
      if (!isReady(task, tasks)) continue
      if (task.capability === 'human') {
        const expiry = [...draft.approvals.values()].find(({ task_id }) => task_id === task.task_id)?.expires_at
        if (expiry !== undefined) check = Math.min(check, Date.parse(expiry))
        continue
      }
      const notBefore = task.next_attempt_at === null ? 0 : Date.parse(task.next_attempt_at)
      if (notBefore > draft.now) check = Math.min(check, notBefore)
      else if (lease(draft, task, limits)) {
        running++
        check = Math.min(check, nextLook(task))
      } else check = Math.min(check, draft.now + NO_ROOM_MS)
    } else if (task.actual_status === 'blocked') open++
  }
  if (open === 0) return finish(draft, 'done')
  const waits = running === 0 && [...tasks.values()].some((task) => isPersons(task, tasks))
  setStatus(draft, waits ? 'waiting' : 'running')
  checkAgain(draft, check)
}

const isPersons = (task: TaskRow, tasks: ReadonlyMap<TaskId, TaskRow>): boolean =>
  task.actual_status === 'blocked' ||
  (task.capability === 'human' && task.actual_status === 'pending' && isReady(task, tasks))

function isReady(task: TaskRow, tasks: ReadonlyMap<TaskId, TaskRow>): boolean {
  for (const id of task.dependencies) {
    const status = tasks.get(id)?.actual_status
    if (status !== 'done' && status !== 'skipped') return false
  }
  return true
}

/** Undoing goes one at a time, newest effect first, once nothing runs that could still have an effect. */
function goBack(draft: Draft, limits: Limits): void {
  const { execution, tasks } = draft
  const all = [...tasks.values()]
  const toUndo = all.filter(
    (task) => task.desired_status === 'undone' && task.effect !== 'none' && task.actual_status !== 'undone',
  )
  const running = all.filter(({ actual_status }) => actual_status === 'in_progress')
  if (running.length > 0) {
    if (toUndo.length > 0) setStatus(draft, 'undoing')
    return checkAgain(draft, Math.min(...running.map(nextLook)))
  }
  const next = toUndo.filter(({ actual_status }) => actual_status !== 'blocked').sort(newestFirst)[0]
  if (next) {
    setStatus(draft, 'undoing')
    const notBefore = next.next_attempt_at === null ? 0 : Date.parse(next.next_attempt_at)
    if (notBefore > draft.now) return checkAgain(draft, notBefore)
    return checkAgain(draft, lease(draft, next, limits) ? nextLook(next) : draft.now + NO_ROOM_MS)
  }
  if (toUndo.length > 0) return finish(draft, 'rollback_failed')
  const undone = all.some(({ actual_status }) => actual_status === 'undone')
  finish(draft, execution.ending === 'failed' && undone ? 'rolled_back' : (execution.ending ?? 'failed'))
}

const newestFirst = (one: TaskRow, other: TaskRow): number =>
  Date.parse(other.finished_at ?? other.last_attempt ?? '') - Date.parse(one.finished_at ?? one.last_attempt ?? '') ||
  other.position - one.position

function lease(draft: Draft, task: TaskRow, limits: Limits): boolean {
  const undo = task.desired_status === 'undone'
  if (task.concurrency_key !== null && !limits.keyFree(task.concurrency_key)) return false
  if (!limits.takeSlot(task.capability, draft.execution)) return false
  if (!undo && task.approval_id !== null) consumeApproval(draft, task.approval_id)
  const token = task.token + 1
  const at = isoTime(draft.now)
  setActual(draft, task, {
    actual_status: 'in_progress',
    intent: undo ? 'undo' : task.task_kind === 'solve' ? 'solve' : 'do',
    token,
    assigned_agent: null,
    lease_expires_at: isoTime(draft.now + limits.leaseMs),
    last_attempt: at,
    started_at: task.started_at ?? at,
  })
  record(draft, undo ? 'task.undoing' : 'task.leased', { name: task.name, token }, task.task_id)
  draft.leases.push({ task, token: token as FencingToken, intent: task.intent, again: false })
  return true
}

/** Used up by the first attempt it covers; the attempts after it are covered too. */
function consumeApproval(draft: Draft, id: ApprovalId): void {
  const approval = draft.approvals.get(id)
  if (approval?.status !== 'approved') return
  setApproval(draft, approval, { status: 'consumed', consumed_at: isoTime(draft.now) })
  draft.consumed.add(id)
  record(draft, 'approval.consumed', { approval_id: id, plan_hash: approval.plan_hash }, approval.task_id)
}

function nextLook(task: TaskRow): number {
  const expiry = Date.parse(task.lease_expires_at ?? '')
  return task.assigned_agent === null
    ? Math.min(expiry, Date.parse(task.last_attempt ?? '') + HAND_OUT_AGAIN_MS + 100)
    : expiry
}

function setStatus(draft: Draft, status: 'waiting' | 'running' | 'undoing'): void {
  if (draft.execution.status === status) return
  draft.execution.status = status
  draft.executionChanged = true
  // That it runs is said by the plan and the leases.
  if (status !== 'running') record(draft, `execution.${status}`, {})
}

function finish(draft: Draft, status: ExecutionRow['status']): void {
  const { execution } = draft
  execution.status = status
  execution.finished_at = isoTime(draft.now)
  draft.executionChanged = true
  if (execution.cited === null) execution.result = aggregate(draft)
  record(draft, 'execution.ended', { status, error: execution.error })
  checkAgain(draft, draft.now + PLANNING_MS)
}

function checkAgain(draft: Draft, at: number): void {
  draft.execution.next_check_at = isoTime(at)
}

/** A task as it begins. */
export function newTask(
  execution: Pick<ExecutionRow, 'tenant' | 'execution_id'>,
  facts: Pick<TaskRow, 'position' | 'name' | 'title' | 'task_kind' | 'capability' | 'priority'> &
    Partial<TaskRow> & { now: number },
): TaskRow {
  const { now, ...given } = facts
  return {
    tenant: execution.tenant,
    execution_id: execution.execution_id,
    task_id: randomUUIDv7() as TaskId,
    desired_status: 'done',
    dependencies: [],
    level: 0,
    approval_id: null,
    spec: null,
    action_hash: null,
    concurrency_key: null,
    replans: 0,
    actual_status: 'pending',
    intent: 'do',
    token: 0,
    assigned_agent: null,
    lease_expires_at: null,
    last_attempt: null,
    next_attempt_at: null,
    failure_count: 0,
    progress_at: isoTime(now),
    effect: 'none',
    last_error: null,
    verification: null,
    undo_verification: null,
    result: null,
    started_at: null,
    finished_at: null,
    ...given,
  }
}
