/** Reading what people are asked to agree to; it is written with the transitions. */
import type { ApprovalView } from '@deed/proto/execution'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { ApprovalStatus } from '@deed/proto/states'
import type { Database } from './schema.ts'

export async function readApprovals(
  db: Database,
  { tenant }: Principal,
  by: {
    approvalId?: ApprovalId | undefined
    executionId?: ExecutionId | undefined
    status?: ApprovalStatus | undefined
    limit: number
  },
): Promise<ApprovalView[]> {
  const rows = await db.query<Omit<ApprovalView, 'expires_at'> & { expires_at: Date }>(
    'orchestrator.approvals',
    `select p.approval_id, p.execution_id, e.request->>'task' as task, p.level, p.status, p.requested_by, p.decided_by,
            p.reason, p.plan_hash, p.policy_version, p.expires_at, p.actions
       from approvals p join executions e using (execution_id)
      where p.tenant = $1 and ($2::uuid is null or p.approval_id = $2) and ($3::uuid is null or p.execution_id = $3)
        and ($4::text is null or p.status = $4)
      order by p.approval_id desc limit $5`,
    [tenant, by.approvalId ?? null, by.executionId ?? null, by.status ?? null, by.limit],
  )
  return rows.map((row) => ({ ...row, expires_at: row.expires_at.toISOString() }))
}
