/** A plan or an answer was found, or a task was planned again. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { FencingToken, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import { changesOf } from '../execution/differences.ts'
import { addApprovals, addTasks, type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import type { ExecutionRow, TaskRow, Work } from '../execution/snapshot.ts'
import { end } from './ending.ts'
import { finish } from './next-steps.ts'
import { failForGood } from './retry.ts'

/** How often a task whose target has changed is inspected and planned again. */
const REPLANS_MAX = 3
/** How many of these may request an approval again. */
const ASKED_AGAIN_MAX = 1

interface FoundPlan {
  work: Work
  found: Partial<ExecutionRow>
}

export function planned(draft: Draft, plan: FoundPlan): void {
  // Two replicas have planned it: the first plan wins.
  if (draft.execution.status !== 'planning' || draft.tasks.size > 0) return
  draft.execution.status = 'running'
  addPlan(draft, plan)
}

export function addPlan(draft: Draft, { work, found }: FoundPlan): void {
  Object.assign(draft.execution, found)
  draft.executionChanged = true
  addWork(draft, work)
  record(draft, 'execution.planned', {
    plan_hash: work.plan.plan_hash,
    policy_version: work.plan.policy_version,
    tasks: work.tasks.length,
    method: draft.execution.method,
  })
}

/** The rows are copied: the draft modifies its own, and the input is applied again if its commit is refused. */
export function addWork(draft: Draft, { tasks, approvals, plan }: Work): void {
  const number = draft.plans + 1
  addTasks(
    draft,
    tasks.map((task) => ({ ...task })),
  )
  addApprovals(
    draft,
    approvals.map((approval) => ({ ...approval, plan_number: number })),
  )
  draft.plans = number
  draft.plan = { ...plan, number }
  draft.parts.push(...plan.plan.parts)
}

export function answered(
  draft: Draft,
  { found, evidence }: { found: Partial<ExecutionRow>; evidence: Evidence[] },
): void {
  if (draft.execution.status !== 'planning') return
  Object.assign(draft.execution, found)
  draft.execution.cited = evidence
  finish(draft, 'done')
}

export function planFailed(draft: Draft, { error, found }: { error: ErrorBody; found: Partial<ExecutionRow> }): void {
  // Another replica has stored a plan, or the execution has ended.
  if (draft.execution.status !== 'planning' || draft.tasks.size > 0) return
  Object.assign(draft.execution, found)
  end(draft, 'failed', error)
}

export function replanned(
  draft: Draft,
  input: { taskId: TaskId; token: FencingToken; task: Partial<TaskRow>; work: Work },
): void {
  const task = draft.tasks.get(input.taskId)
  if (!task || task.token !== input.token || task.actual_status !== 'in_progress') {
    throw new DeedError('stale_token', `task ${input.taskId}: fencing token ${input.token} is no longer the newest`)
  }
  if (task.desired_status !== 'done') {
    // It was cancelled while it was planned again, and had no effect.
    setActual(draft, task, { actual_status: 'cancelled', lease_expires_at: null })
    record(draft, 'task.cancelled', { name: task.name, effect: task.effect }, task.task_id)
    return
  }
  const asks = input.work.approvals.some(({ status, grant_id }) => status === 'pending' && grant_id === null)
  if (task.replans >= (asks ? ASKED_AGAIN_MAX : REPLANS_MAX)) {
    failForGood(draft, task, {
      code: 'precondition_failed',
      message: whatKeepsChanging(task, input.task),
      retryable: false,
    })
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

/** Names the changing path or name, and the declaration that makes it irrelevant. */
function whatKeepsChanging({ title, spec }: TaskRow, next: Partial<TaskRow>): string {
  const [change] = changesOf(spec ?? {}, next.spec ?? {}).filter(({ path }) => path.startsWith('$.expect_'))
  const [, field, name] = /^\$\.(expect_\w+)\.?(.*)$/s.exec(change?.path ?? '') ?? []
  const said = `"${title}" was inspected again and again, and each time`
  if (field === 'expect_files') {
    return `${said} ${name} had changed before it ran; if that does not matter to it, name the files that do in its input "paths", or exclude "${name}" with "ignore" of the workspace in execution.yaml`
  }
  if (field === 'expect_resolved')
    return `${said} ${name} meant something else in execution.yaml; try again when it no longer changes`
  return `${said} its target had changed, at last from ${change?.before ?? '-'} to ${change?.after ?? '-'}; try again when nothing else writes there`
}
