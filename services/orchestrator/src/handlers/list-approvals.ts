import type { Handler } from '@deed/mesh/bus'
import type { ApprovalView, listApprovals as contract } from '@deed/proto/execution'
import { shortenedTo, withinMessage } from '../answers/within-message.ts'
import { goalReviews } from '../goals/goal-review.ts'
import { readApprovals } from '../store/approvals.ts'
import { readPersonTasks } from '../store/person-tasks.ts'
import type { Database } from '../store/schema.ts'

/** Of one answer: what does not fit comes with the next cursor, and of the steps of one approval with `steps_from`. */
const BYTES_MAX = 400_000
const STEPS_BYTES_MAX = 300_000
const STEPS_SHOWN = 200

export function listApprovals({ db }: { db: Database }): Handler<typeof contract> {
  return async (
    { kind, status, approval_id: approvalId, execution_id: executionId, limit, cursor: before, steps_from: from },
    { principal },
  ) => {
    const wantsTasks = kind !== 'approve' && before === undefined && (status ?? 'pending') === 'pending'
    const [found, tasks, goals] = await Promise.all([
      kind === undefined || kind === 'approve'
        ? // One more than wanted tells whether there are more.
          readApprovals(db, principal, { status, approvalId, executionId, limit: limit + 1, before })
        : [],
      wantsTasks
        ? readPersonTasks(db, principal, { kind, openOnly: status === 'pending', approvalId, executionId, limit })
        : [],
      wantsTasks && kind !== 'provide' ? goalReviews(db, principal, { approvalId, executionId, limit }) : [],
    ])
    const approvals = withinMessage(
      found.slice(0, limit).map((approval) => pageOf(approval, from)),
      BYTES_MAX,
    )
    const last = approvals.at(-1)
    return {
      approvals,
      tasks: [...tasks, ...goals].slice(0, limit),
      next_cursor: last && approvals.length < found.length ? last.approval_id : null,
    }
  }
}

/** As many of its steps as there is room for. */
function pageOf({ actions, plan, ...approval }: ApprovalView, from: number): ApprovalView {
  const steps = actions.slice(from, from + STEPS_SHOWN).map((step) => ({
    ...step,
    action: shortenedTo(STEPS_BYTES_MAX, step.action),
  }))
  const covered = withinMessage(steps, STEPS_BYTES_MAX)
  // Both lists have the same pages, so that one number goes on with both.
  const room = covered.length > 0 && from + covered.length < actions.length ? covered.length : STEPS_SHOWN
  const brief = plan?.steps.slice(from, from + room) ?? []
  const behind = (all: readonly unknown[] | undefined, shown: readonly unknown[]): number =>
    Math.max(0, (all?.length ?? 0) - from - shown.length)
  const omitted = { actions: behind(actions, covered), steps: behind(plan?.steps, brief) }
  return {
    ...approval,
    actions: covered,
    plan: plan && { ...plan, steps: brief },
    ...(omitted.actions > 0 || omitted.steps > 0 ? { omitted } : {}),
  }
}
