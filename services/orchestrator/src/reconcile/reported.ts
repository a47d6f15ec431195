/** An attempt was reported: done, failed, or undone. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { Evidence } from '@deed/proto/observation'
import type { TaskReport } from '@deed/proto/task'
import { type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { TaskRow, Work } from '../execution/snapshot.ts'
import type { Limits } from './input.ts'
import { pausedForMoney } from './pausing.ts'
import { addWork } from './planned.ts'
import { failForGood, retryLater, undoLater } from './retry.ts'

export function reported(
  draft: Draft,
  { report, solved, refused }: { report: TaskReport; solved?: Work; refused?: ErrorBody },
  limits: Limits,
): void {
  const task = draft.tasks.get(report.task_id)
  if (!task) throw new DeedError('unknown_task', `task ${report.task_id} is not of this execution`)
  if (task.token !== report.token || task.intent !== report.intent) {
    throw new DeedError('stale_token', `task ${report.task_id}: fencing token ${report.token} is no longer the newest`)
  }
  // A repeated report, whose answer was lost.
  if (task.actual_status !== 'in_progress') return
  const { execution } = draft
  execution.tokens_used += report.tokens_used
  execution.cost_microusd += report.cost_microusd
  if (report.repeated) execution.duplicate_effects++
  if (report.cost_unknown) {
    record(draft, 'task.cost_unknown', { name: task.name, charged_microusd: report.cost_microusd }, task.task_id)
  }
  if (report.model !== undefined) execution.model_used = report.model
  if (report.method !== undefined && report.intent === 'solve') execution.method = report.method
  draft.executionChanged = true
  setActual(draft, task, {
    lease_expires_at: null,
    assigned_agent: report.worker_id,
    // A failed undo keeps its place among the remaining effects.
    ...(report.intent === 'undo' && report.outcome !== 'done' ? {} : { finished_at: isoTime(draft.now) }),
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
  if (!report.evidence || (task.task_kind === 'act' && !proves(report.evidence, task))) {
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
  // It ended after it was cancelled: its effect is undone.
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

/** An unconfirmed answer suffices only for actions without an effect. */
const proves = ({ kind, outcome }: Evidence, { effect }: TaskRow): boolean =>
  outcome === 'verified' || (kind === 'unconfirmed' && effect === 'none')

function failedReported(draft: Draft, task: TaskRow, error: ErrorBody, report: TaskReport, limits: Limits): void {
  if (report.evidence) setActual(draft, task, { verification: report.evidence })
  if (task.desired_status !== 'done') {
    setActual(draft, task, { actual_status: 'cancelled', last_error: error })
    if (task.effect !== 'none') setDesired(draft, task, { desired_status: 'undone' })
    record(draft, 'task.cancelled', { name: task.name, effect: task.effect }, task.task_id)
    return
  }
  if (error.code === 'budget_exceeded' && draft.execution.ending === null) return pausedForMoney(draft, task, error)
  if (error.retryable) return retryLater(draft, task, error, limits)
  failForGood(draft, task, error, report.evidence ?? null)
}

function undoReported(draft: Draft, task: TaskRow, report: TaskReport, limits: Limits): void {
  if (report.outcome === 'done') {
    if (report.evidence?.outcome !== 'verified') {
      throw new DeedError(
        'evidence_missing',
        `the undo of ${task.name} cannot be done without evidence that verifies it`,
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
  undoLater(draft, task, report.error ?? noReason(report), limits)
}
