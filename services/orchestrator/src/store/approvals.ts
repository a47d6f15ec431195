/** Reads approvals; they are written with the transitions. */
import type { ApprovalView } from '@deed/proto/approval'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { ApprovalStatus } from '@deed/proto/states'
import { conditionsOf } from './conditions.ts'
import type { Database } from './schema.ts'

const ID_MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
/** The size limit of one page in PostgreSQL's storage; as JSON it may be several times as long. */
const PAGE_BYTES_MAX = 1_048_576

export interface ApprovalPage {
  /** Newest first; each with the requested steps only. */
  readonly approvals: readonly ListedApproval[]
  /** Whether there are more after the last of them. */
  readonly more: boolean
}

export interface ListedApproval extends ApprovalView {
  /** The totals of each. */
  readonly counts: { readonly actions: number; readonly steps: number }
}

/**
 * A page of approvals, in time and space that do not depend on how many wait, or on how many steps each covers.
 * Approvals that are not open yet, since the steps before them are not done, are hidden.
 */
export async function readApprovals(
  db: Database,
  { tenant }: Principal,
  by: {
    approvalId?: ApprovalId | undefined
    executionId?: ExecutionId | undefined
    status?: ApprovalStatus | undefined
    limit: number
    before?: ApprovalId | undefined
    /** The range of steps of each. */
    steps: { from: number; count: number }
  },
): Promise<ApprovalPage> {
  const { approvalId, executionId, status } = by
  const { name, where } = conditionsOf([
    ['one', approvalId !== undefined, 'approval_id = $2::uuid', '$2::uuid is null'],
    ['of', executionId !== undefined, 'execution_id = $3::uuid', '$3::uuid is null'],
    // An internal constant, not user input, to match the partial index.
    [
      status ?? 'any',
      status !== undefined,
      // Undo requests belong to ended executions, which nothing checks when the request expires.
      status === 'pending' ? `status = 'pending' and expires_at > now()` : `status = '${status}'`,
    ],
  ])
  const rows = await db.query<ApprovalPageRow>(
    `orchestrator.approvals${name}`,
    `with found as (
       select approval_id, pg_column_size(actions) as bytes from approvals
        where tenant = $1 and asked_at is not null and ${where} and approval_id < $4
        order by approval_id desc limit $5
     ), page as (
       select approval_id, row_number() over newest_first as number,
              coalesce(sum(bytes) over (newest_first rows between unbounded preceding and 1 preceding), 0) as bytes_before
         from found window newest_first as (order by approval_id desc)
     )
     select p.approval_id, p.execution_id, e.request->>'task' as task, p.level, p.status, p.requested_by, p.decided_by,
            p.reason, p.plan_hash, p.policy_version, p.asked_at, p.decided_at, p.expires_at, p.grant_id,
            jsonb_path_query_array(p.actions, '$[$from to $to]', $6) as actions,
            jsonb_set(l.plan->'screen', '{steps}', jsonb_path_query_array(l.plan->'screen'->'steps', '$[$from to $to]', $6))
              as plan,
            jsonb_build_object('actions', jsonb_array_length(p.actions),
              'steps', coalesce(jsonb_array_length(l.plan->'screen'->'steps'), 0)) as counts,
            page.number < (select count(*) from page) as more
       from page join approvals p using (approval_id) join executions e using (execution_id)
       left join plans l on l.execution_id = p.execution_id and l.number = p.plan_number
      where page.bytes_before < ${PAGE_BYTES_MAX} and page.number < $5
      order by p.approval_id desc`,
    // One more than requested, to know whether there are more.
    [
      tenant,
      approvalId ?? null,
      executionId ?? null,
      by.before ?? ID_MAX,
      by.limit + 1,
      JSON.stringify({ from: by.steps.from, to: by.steps.from + by.steps.count - 1 }),
    ],
  )
  return {
    approvals: rows.map(({ more, asked_at: asked, decided_at: decided, expires_at: expires, ...row }) => ({
      ...row,
      asked_at: asked.toISOString(),
      decided_at: decided?.toISOString() ?? null,
      expires_at: expires.toISOString(),
    })),
    more: rows.at(-1)?.more ?? false,
  }
}

type ApprovalPageRow = Omit<ListedApproval, 'asked_at' | 'decided_at' | 'expires_at'> & {
  asked_at: Date
  decided_at: Date | null
  expires_at: Date
  more: boolean
}

export type ToDecide = Pick<ApprovalView, 'execution_id' | 'level' | 'plan_hash' | 'requested_by'> & {
  /** The requester of the execution. */
  owner: string
}

/** The data for a decision. */
export async function readApproval(db: Database, { tenant }: Principal, id: ApprovalId): Promise<ToDecide | undefined> {
  const [row] = await db.query<ToDecide>(
    'orchestrator.approval',
    `select execution_id, p.level, p.plan_hash, p.requested_by, e.user_name as owner
       from approvals p join executions e using (execution_id)
      where p.tenant = $1 and p.approval_id = $2 and p.asked_at is not null`,
    [tenant, id],
  )
  return row
}
