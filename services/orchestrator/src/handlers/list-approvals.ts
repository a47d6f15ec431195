import type { Handler } from '@deed/mesh/bus'
import type { ApprovalView, listApprovals as contract } from '@deed/proto/approval'
import { shortenedTo, withinMessage } from '../answers/within-message.ts'
import { goalReviews } from '../goals/goal-review.ts'
import { type ListedApproval, readApprovals } from '../store/approvals.ts'
import { readPersonTasks } from '../store/person-tasks.ts'
import type { Database } from '../store/schema.ts'

/**
 * The size of one answer: the rest follows with the next cursor, and further steps of one approval with `steps_from`.
 */
const BYTES_MAX = 400_000
const STEPS_BYTES_MAX = 300_000
const STEPS_SHOWN = 200
const TASKS_BYTES_MAX = 150_000

export function listApprovals({ db }: { db: Database }): Handler<typeof contract> {
  return async (
    { kind, status, approval_id, execution_id, limit, cursor, tasks_cursor, steps_from },
    { principal },
  ) => {
    const of = { approvalId: approval_id, executionId: execution_id, limit }
    const openOnly = status === 'pending'
    // Each of the two lists continues with its own cursor.
    const wantsApprovals = (kind === undefined || kind === 'approve') && tasks_cursor === undefined
    const wantsTasks = kind !== 'approve' && cursor === undefined && (openOnly || status === undefined)
    const steps = { from: steps_from, count: STEPS_SHOWN }
    const [found, people, goals] = await Promise.all([
      wantsApprovals ? readApprovals(db, principal, { ...of, status, before: cursor, steps }) : NOTHING,
      wantsTasks ? readPersonTasks(db, principal, { ...of, kind, openOnly, after: tasks_cursor }) : [],
      wantsTasks && (kind === undefined || kind === 'review') && tasks_cursor === undefined
        ? goalReviews(db, principal, of)
        : [],
    ])
    const approvals = withinMessage(
      found.approvals.map((approval) => pageOf(approval, steps_from)),
      BYTES_MAX,
    )
    const tasks = withinMessage(people.slice(0, limit), TASKS_BYTES_MAX)
    const more = found.more || approvals.length < found.approvals.length
    return {
      approvals,
      tasks: [...tasks, ...withinMessage(goals, TASKS_BYTES_MAX)],
      next_cursor: more ? (approvals.at(-1)?.approval_id ?? null) : null,
      next_tasks_cursor: tasks.length < people.length ? (tasks.at(-1)?.approval_id ?? null) : null,
    }
  }
}

const NOTHING = { approvals: [], more: false }

/** As many of its steps as fit. */
function pageOf({ counts, actions, plan, ...approval }: ListedApproval, from: number): ApprovalView {
  const steps = actions.map((step) => ({ ...step, action: shortenedTo(STEPS_BYTES_MAX, step.action) }))
  const covered = withinMessage(steps, STEPS_BYTES_MAX)
  // Both lists have the same pages, so that one number continues both.
  const room = covered.length > 0 && from + covered.length < counts.actions ? covered.length : STEPS_SHOWN
  const brief = plan?.steps.slice(0, room) ?? []
  const behind = (all: number, shown: readonly unknown[]): number => Math.max(0, all - from - shown.length)
  const omitted = { actions: behind(counts.actions, covered), steps: behind(counts.steps, brief) }
  return {
    ...approval,
    actions: covered,
    plan: plan && { ...plan, steps: brief },
    ...(omitted.actions > 0 || omitted.steps > 0 ? { omitted } : {}),
  }
}
