import type { Handler } from '@deed/mesh/bus'
import type { ApprovalView, listApprovals as contract } from '@deed/proto/execution'
import { readApprovals } from '../store/approvals.ts'
import type { Database } from '../store/schema.ts'

/** Of one answer: what does not fit comes with the next cursor. A single approval may be longer. */
const CHARS_MAX = 400_000

export function listApprovals({ db }: { db: Database }): Handler<typeof contract> {
  return async (
    { status, approval_id: approvalId, execution_id: executionId, limit, cursor: before },
    { principal },
  ) => {
    // One more than wanted tells whether there are more.
    const found = await readApprovals(db, principal, { status, approvalId, executionId, limit: limit + 1, before })
    const approvals: ApprovalView[] = []
    let chars = 0
    for (const approval of found.slice(0, limit)) {
      chars += JSON.stringify(approval).length
      if (approvals.length > 0 && chars > CHARS_MAX) break
      approvals.push(approval)
    }
    const last = approvals.at(-1)
    return { approvals, next_cursor: last && approvals.length < found.length ? last.approval_id : null }
  }
}
