/** Reading what people are asked to agree to; it is written with the transitions. */
import type { ApprovalView } from '@deed/proto/execution'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { ApprovalStatus } from '@deed/proto/states'
import type { Database } from './schema.ts'

/** Those that nobody is asked for yet, since the steps before them are not done, are not there for anybody. */
export async function readApprovals(
  db: Database,
  { tenant }: Principal,
  by: {
    approvalId?: ApprovalId | undefined
    executionId?: ExecutionId | undefined
    status?: ApprovalStatus | undefined
    limit: number
    before?: ApprovalId | undefined
  },
): Promise<ApprovalView[]> {
  const rows = await db.query<Omit<ApprovalView, 'expires_at'> & { expires_at: Date }>(
    'orchestrator.approvals',
    `select p.approval_id, p.execution_id, e.request->>'task' as task, p.level, p.status, p.requested_by, p.decided_by,
            p.reason, p.plan_hash, p.policy_version, p.expires_at, p.grant_id, p.actions, l.plan->'screen' as plan
       from approvals p join executions e using (execution_id)
       left join plans l on l.execution_id = p.execution_id and l.number = p.plan_number
      where p.tenant = $1 and p.asked_at is not null and ($2::uuid is null or p.execution_id = $2)
        and ($3::text is null or p.status = $3) and ($5::uuid is null or p.approval_id = $5)
        and ($6::uuid is null or p.approval_id < $6)
      order by p.approval_id desc limit $4`,
    [tenant, by.executionId ?? null, by.status ?? null, by.limit, by.approvalId ?? null, by.before ?? null],
  )
  return rows.map((row) => ({ ...row, expires_at: row.expires_at.toISOString() }))
}

/** What a decision goes by. */
export async function readApproval(
  db: Database,
  { tenant }: Principal,
  id: ApprovalId,
): Promise<Pick<ApprovalView, 'execution_id' | 'level' | 'plan_hash' | 'requested_by'> | undefined> {
  const [row] = await db.query<Pick<ApprovalView, 'execution_id' | 'level' | 'plan_hash' | 'requested_by'>>(
    'orchestrator.approval',
    `select execution_id, level, plan_hash, requested_by from approvals
      where tenant = $1 and approval_id = $2 and asked_at is not null`,
    [tenant, id],
  )
  return row
}
