import type { Handler } from '@deed/mesh/bus'
import type { ApprovalView, listApprovals as contract } from '@deed/proto/execution'
import { readApprovals } from '../store/approvals.ts'
import { readPersonTasks } from '../store/person-tasks.ts'
import type { Database } from '../store/schema.ts'

/** Of one answer: what does not fit comes with the next cursor. A single approval may be longer. */
const CHARS_MAX = 400_000

export function listApprovals({ db }: { db: Database }): Handler<typeof contract> {
  return async (
    { kind, status, approval_id: approvalId, execution_id: executionId, limit, cursor: before },
    { principal },
  ) => {
    const wantsTasks = kind !== 'approve' && before === undefined && (status ?? 'pending') === 'pending'
    const [found, tasks] = await Promise.all([
      kind === undefined || kind === 'approve'
        ? // One more than wanted tells whether there are more.
          readApprovals(db, principal, { status, approvalId, executionId, limit: limit + 1, before })
        : [],
      wantsTasks
        ? readPersonTasks(db, principal, { kind, openOnly: status === 'pending', approvalId, executionId, limit })
        : [],
    ])
    const approvals: ApprovalView[] = []
    let chars = 0
    for (const approval of found.slice(0, limit)) {
      chars += JSON.stringify(approval).length
      if (approvals.length > 0 && chars > CHARS_MAX) break
      approvals.push(approval)
    }
    const last = approvals.at(-1)
    return { approvals, tasks, next_cursor: last && approvals.length < found.length ? last.approval_id : null }
  }
}
