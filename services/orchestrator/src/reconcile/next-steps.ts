/**
 * The next steps towards the desired state: forward while the execution is to be done, back once it is to be undone.
 */
import type { ApprovalId, FencingToken } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual, setApproval } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { keysOf } from '../execution/keys-of.ts'
import { expiryOf, proposalOf } from '../execution/person-task.ts'
import { nextToUndo, readyTasks, targetOf } from '../execution/progress.ts'
import type { ApprovalRow, ExecutionRow, Ready, TaskRow } from '../execution/snapshot.ts'
import { requestWork } from './ask-person.ts'
import { consume } from './consume-approval.ts'
import { end } from './ending.ts'
import type { Limits } from './input.ts'
import { aggregate } from './result.ts'
import { isTaskVerified } from './task-verified.ts'

/** An attempt that no worker has claimed after this time is dispatched again, with the same token. */
export const HAND_OUT_AGAIN_MS = 1_500
/** An execution without a plan is checked again after this time. */
const PLANNING_MS = 5_000
/**
 * A waiting task is checked again after this time; if this replica knows that it may continue, it is resumed earlier.
 */
const CHECK_AGAIN_MS = { 'key busy': 1_000, 'not its turn': 30_000, 'no room': 5_000, 'not shown': 5_000 } as const
/** The organization reports a decision; it is asked again after this time in case that was lost. */
const DECISION_MS = 60_000
const FAR_MS = 3_600_000
/** For an execution that waits in the queues of a replica. */
const WAIT_MS_MAX = 300_000

export function nextSteps(draft: Draft, limits: Limits): void {
  const { execution } = draft
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) return
  if (execution.ending === null) {
    if (draft.tasks.size === 0) return checkAgain(draft, draft.now + atLeast(PLANNING_MS, draft))
    const [failed] = draft.progress.failed
    const outdated = [...draft.approvals.values()].find(
      ({ status, policy_version: version }) =>
        (status === 'pending' || status === 'approved') && version !== limits.policyVersion,
    )
    if (failed) end(draft, 'failed', failed.last_error, limits.autoRollback)
    else if (outdated) {
      end(draft, 'denied', {
        code: 'approval_mismatch',
        message: `the plan was made under policy ${outdated.policy_version}, but ${limits.policyVersion} is in force; submit the task again`,
        retryable: false,
      })
    } else return goForward(draft, limits)
  }
  goBack(draft, limits)
}

function goForward(draft: Draft, limits: Limits): void {
  const { progress, execution } = draft
  const paused = execution.status === 'paused'
  let check = draft.now + FAR_MS
  const checkBy = (at: number): void => {
    check = Math.min(check, at)
  }
  for (const [capability, ready] of progress.ready) {
    if (capability === 'human') askPeople(draft, ready, { paused, limits, checkBy })
    else if (!paused) leaseReady(draft, ready, limits, checkBy)
  }
  for (const task of progress.running) checkBy(nextCheck(task))
  const { pending, blocked } = progress.counts
  if (pending + blocked + progress.running.size === 0) return finish(draft, 'done')
  if (paused) return checkAgain(draft, check)
  const asked = blocked > 0 || anyOf(progress.ready.get('human'))
  setStatus(draft, progress.running.size === 0 && asked ? 'waiting' : 'running')
  checkAgain(draft, check)
}

/** What has waited long in the queues of a replica is checked more rarely: there may be a hundred thousand of them. */
const atLeast = (ms: number, { now, execution }: Draft): number =>
  Math.max(ms, Math.min(WAIT_MS_MAX, (now - Date.parse(execution.created_at)) / 2))

type CheckBy = (at: number) => void

function askPeople(
  draft: Draft,
  ready: Ready,
  { paused, limits, checkBy }: { paused: boolean; limits: Limits; checkBy: CheckBy },
): void {
  for (const task of readyTasks(ready)) {
    const approval = [...draft.approvals.values()].find(({ task_id }) => task_id === task.task_id)
    if (approval) checkBy(ask(draft, approval, task, limits))
    else {
      if (!paused) requestWork(draft, task)
      const expiry = expiryOf(task)
      if (expiry !== undefined) checkBy(expiry)
      if (task.started_at === null || !proposalOf(task)) continue
      limits.propose(task)
      checkBy(draft.now + DECISION_MS)
    }
  }
}

/** As many as there are slots: of thousands of ready tasks, those that cannot begin are not examined. */
function leaseReady(draft: Draft, ready: Ready, limits: Limits, checkBy: CheckBy): void {
  for (const priority of [...ready.keys()].sort((one, other) => one - other)) {
    for (const group of ready.get(priority)?.values() ?? []) {
      for (const task of group) {
        const notBefore = task.next_attempt_at === null ? 0 : Date.parse(task.next_attempt_at)
        if (notBefore > draft.now) {
          checkBy(notBefore)
          continue
        }
        const outcome = lease(draft, task, limits)
        if (outcome === 'leased') continue
        const wait = CHECK_AGAIN_MS[outcome]
        checkBy(draft.now + (outcome === 'no room' ? atLeast(wait, draft) : wait))
        if (outcome === 'no room') return
        break
      }
    }
  }
}

const anyOf = (ready: Ready | undefined): boolean => [...(ready?.values() ?? [])].some((groups) => groups.size > 0)

/** It is a person's turn to decide. @returns the deadline, or the next check, in milliseconds since 1970 */
function ask(draft: Draft, approval: ApprovalRow, asking: TaskRow, limits: Limits): number {
  if (approval.asked_at === null) {
    if (!limits.mayAsk(approval, asking)) return draft.now + CHECK_AGAIN_MS['not shown']
    askFor(draft, approval)
  }
  return Date.parse(approval.expires_at)
}

/** The time to decide begins. */
export function askFor(draft: Draft, approval: ApprovalRow): void {
  const timeMs = Date.parse(approval.expires_at) - Date.parse(approval.created_at)
  setApproval(draft, approval, { asked_at: isoTime(draft.now), expires_at: isoTime(draft.now + timeMs) })
  const { approval_id, level, plan_hash } = approval
  record(draft, 'approval.requested', { approval_id, level, plan_hash }, approval.task_id)
}

/** Undoes one effect at a time, newest first, once nothing runs that could still have an effect. */
function goBack(draft: Draft, limits: Limits): void {
  const { execution, progress } = draft
  if (progress.running.size > 0) {
    if (progress.undo.size > 0) setStatus(draft, 'undoing')
    return checkAgain(draft, Math.min(...[...progress.running].map(nextCheck)))
  }
  const next = nextToUndo(progress)
  if (next) {
    setStatus(draft, 'undoing')
    const notBefore = next.next_attempt_at === null ? 0 : Date.parse(next.next_attempt_at)
    if (notBefore > draft.now) return checkAgain(draft, notBefore)
    const outcome = lease(draft, next, limits)
    return checkAgain(draft, outcome === 'leased' ? nextCheck(next) : draft.now + CHECK_AGAIN_MS[outcome])
  }
  if (progress.undo.size > 0) return finish(draft, 'rollback_failed')
  const undone = progress.counts.undone > 0 && [...draft.tasks.values()].every(({ effect }) => effect === 'none')
  finish(draft, execution.ending === 'failed' && undone ? 'rolled_back' : (execution.ending ?? 'failed'))
}

function lease(draft: Draft, task: TaskRow, limits: Limits): 'leased' | 'key busy' | 'not its turn' | 'no room' {
  const undo = task.desired_status === 'undone'
  const target = targetOf(task)
  const keys = keysOf(task)
  if (keys.length > 0 && !limits.keysFree(keys)) return 'key busy'
  if (target !== undefined && !limits.mayBegin(target, draft.execution, task)) return 'not its turn'
  if (!limits.takeSlot(task, draft.execution)) return 'no room'
  if (target !== undefined) limits.began(target)
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
    // Failures of doing do not count for undoing, and an undo does not change the time of the effect.
    ...(undo && task.intent !== 'undo' ? { failure_count: 0, finished_at: task.finished_at ?? task.last_attempt } : {}),
  })
  const agreed = undo || task.approval_id === null ? {} : { approval_id: task.approval_id }
  record(draft, undo ? 'task.undoing' : 'task.leased', { name: task.name, token, ...agreed }, task.task_id)
  draft.leases.push({ task, token: token as FencingToken, intent: task.intent, again: false })
  return 'leased'
}

/** The first attempt that it covers consumes it; later attempts are covered, too. */
function consumeApproval(draft: Draft, id: ApprovalId): void {
  const approval = draft.approvals.get(id)
  if (approval?.status === 'approved') consume(draft, approval)
}

function nextCheck(task: TaskRow): number {
  const expiry = Date.parse(task.lease_expires_at ?? '')
  return task.assigned_agent === null
    ? Math.min(expiry, Date.parse(task.last_attempt ?? '') + HAND_OUT_AGAIN_MS + 100)
    : expiry
}

function setStatus(draft: Draft, status: 'waiting' | 'running' | 'undoing'): void {
  if (draft.execution.status === status) return
  draft.execution.status = status
  draft.executionChanged = true
  // The plan and the leases already record that it runs.
  if (status !== 'running') record(draft, `execution.${status}`, {})
}

export function finish(draft: Draft, status: ExecutionRow['status']): void {
  const { execution } = draft
  execution.status = status
  execution.finished_at = isoTime(draft.now)
  draft.executionChanged = true
  execution.task_verified = isTaskVerified(draft)
  if (execution.cited === null) execution.result = aggregate(draft)
  const unproven = status === 'done' && !execution.task_verified ? { task_verified: false } : {}
  record(draft, 'execution.ended', { status, error: execution.error, ...unproven })
  checkAgain(draft, draft.now + PLANNING_MS)
}

function checkAgain(draft: Draft, at: number): void {
  draft.execution.next_check_at = isoTime(at)
}
