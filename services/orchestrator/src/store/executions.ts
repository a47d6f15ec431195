/** Stores new executions, and loads them. */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId, Principal, TaskId } from '@deed/proto/ids'
import { type ExecutionStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { batched } from '@deed/store/batched'
import type { Admission } from '../execution/new-execution.ts'
import type { ApprovalRow, ExecutionRow, PlanPart, Snapshot, TaskRow } from '../execution/snapshot.ts'
import { columns, names, typed } from './columns.ts'
import { METHODS } from './ends.ts'
import type { Database } from './schema.ts'

/** Retries are for keys that are inserted concurrently. */
const ADMIT_ATTEMPTS = 5

export interface Admitted {
  execution_id: ExecutionId
  /** Another request with the same key came first. */
  existed: boolean
  request_hash: string
  waiter_id: string | null
}

export const ADMITTED = columns(`
  tenant text, execution_id uuid, user_name text, idempotency_key text, request_hash text, request jsonb, trace text, root jsonb,
  status text, method text, error jsonb, result jsonb, cited jsonb, cache_hit boolean, template_used text,
  model_used text, degraded text[], created_at timestamptz, finished_at timestamptz, next_check_at timestamptz,
  followed_up boolean, audit_seq integer, audit_hash text`)
const WITH_IT = columns('ordinal integer, reply_to text, due_at timestamptz, sequence bigint, audit jsonb')

const ADMIT = `
with x as (
  select * from jsonb_to_recordset($1::jsonb) as x(${typed(WITH_IT, ADMITTED)})
), made as (
  insert into executions (${names(ADMITTED)})
  select ${names(ADMITTED)} from x
  on conflict do nothing
  returning execution_id
), audited as (
  insert into audit_log (tenant, execution_id, seq, type, at, data, hash)
  select x.tenant, x.execution_id, r.seq, r.type, r.at, r.data, r.hash
    from x join made using (execution_id)
    cross join jsonb_to_recordset(x.audit) as r(seq integer, type text, at timestamptz, data jsonb, hash text)
), found as (
  select x.ordinal, coalesce(m.execution_id, own.execution_id, e.execution_id) as execution_id,
    m.execution_id is null and own.execution_id is null as existed,
    coalesce(e.request_hash, x.request_hash) as request_hash, x.tenant, x.reply_to, x.due_at, x.sequence,
    x.request_hash as asked
    from x left join made m on m.execution_id = x.execution_id
    -- Its own row, where this very statement was tried before and its answer was lost.
    left join executions own on m.execution_id is null and own.execution_id = x.execution_id
    left join executions e on m.execution_id is null and own.execution_id is null
      and e.tenant = x.tenant and e.idempotency_key = x.idempotency_key
), waiting as (
  insert into waiters (tenant, execution_id, reply_to, due_at)
  select tenant, execution_id, reply_to, due_at from found
   where reply_to is not null and execution_id is not null and request_hash = asked
  returning waiter_id, execution_id, reply_to
), submitted as (
  insert into submissions (tenant, sequence, execution_id)
  select tenant, sequence, execution_id from found
   where sequence is not null and execution_id is not null and request_hash = asked
  on conflict do nothing
)
select f.ordinal, f.execution_id, f.existed, f.request_hash, w.waiter_id::text
  from found f left join waiting w on w.execution_id = f.execution_id and w.reply_to = f.reply_to
 order by f.ordinal`

/**
 * Stores a request as an execution, unless its key has one. The promise begins when this resolves. Of two concurrent
 * requests with one key, one creates the execution and the other finds it.
 */
export function openAdmissions(db: Database): (admission: Admission) => Promise<Admitted> {
  // What somebody waits for does not queue behind thousands that nobody waits for.
  const awaited = batchedAdmissions(db)
  const others = batchedAdmissions(db)
  return async (admission) => {
    const admit = admission.waiter === undefined ? others : awaited
    for (let attempt = 0; attempt < ADMIT_ATTEMPTS; attempt++) {
      // Undefined: another transaction has just inserted the key, which the next statement can see.
      const admitted = await admit(admission)
      if (admitted) return admitted
    }
    throw new DeedError('unavailable', 'the request could not be stored; send it again')
  }
}

const batchedAdmissions = (db: Database) =>
  batched(async (admissions: Admission[]): Promise<(Admitted | undefined)[]> => {
    const rows = await db.query<Admitted & { ordinal: number; execution_id: ExecutionId | null }>(
      'orchestrator.admit',
      ADMIT,
      [JSON.stringify(admissions.map(toRow))],
    )
    const found = new Map(rows.map((row) => [row.ordinal, row]))
    return admissions.map((_, index) => {
      const row = found.get(index)
      return row?.execution_id ? row : undefined
    })
  })

function toRow({ execution, waiter, sequence, audit }: Admission, ordinal: number) {
  return {
    ...execution,
    ordinal,
    sequence,
    ...(waiter ?? {}),
    audit,
  }
}

const LOAD = `
select to_jsonb(e) as execution,
  (select coalesce(jsonb_agg(to_jsonb(d) || to_jsonb(a) order by d.position), '[]')
     from desired_state d join actual_state a using (task_id) where d.execution_id = e.execution_id) as tasks,
  (select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('grant_over', p.status = 'approved' and exists (
       select from grants g where g.grant_id = p.grant_id and (g.revoked_at is not null or g.expires_at <= now())))
     ), '[]') from approvals p where p.execution_id = e.execution_id) as approvals,
  (select coalesce(jsonb_agg(p.plan->'parts' order by p.number), '[]')
     from plans p where p.execution_id = e.execution_id) as parts
  from executions e where e.execution_id = $1`

/** @returns undefined if no tenant has an execution with this id */
export async function loadSnapshot(db: Database, id: ExecutionId): Promise<Snapshot | undefined> {
  const [row] = await db.query<{
    execution: ExecutionRow
    tasks: TaskRow[]
    approvals: ApprovalRow[]
    parts: PlanPart[][]
  }>('orchestrator.load', LOAD, [id])
  if (!row) return undefined
  const { execution, tasks, approvals } = row
  const known = new Set(tasks.map(({ task_id }) => task_id))
  const solved = new Set(
    tasks
      // What a person provided in place of a solution has no parts of its own.
      .filter(
        (task) => task.task_kind === 'solve' && task.actual_status === 'done' && task.verification?.kind !== 'signed',
      )
      .map(({ task_id }) => task_id),
  )
  return {
    execution: {
      ...execution,
      created_at: isoOf(execution.created_at),
      finished_at: execution.finished_at === null ? null : isoOf(execution.finished_at),
    },
    tasks: new Map(tasks.map((task) => [task.task_id, task])),
    approvals: new Map(approvals.map((approval) => [approval.approval_id, approval])),
    // A solved part is represented by the parts of its solution.
    parts: row.parts.flat().filter((part) => part.tasks.every((id: TaskId) => known.has(id) && !solved.has(id))),
    plans: row.parts.length,
  }
}

/** PostgreSQL's JSON has microseconds and an offset; the contracts have milliseconds and Z. */
const isoOf = (text: string): string => new Date(text).toISOString()

/**
 * Finds an execution of the tenant by id, key, or sequence of its submission.
 *
 * @throws {DeedError} `not_found`, also for other tenants' executions
 */
export async function findExecution(
  db: Database,
  { tenant }: Principal,
  by: { executionId?: ExecutionId | undefined; key?: string | undefined; sequence?: number | undefined },
): Promise<ExecutionId> {
  const [row] = await db.query<{ execution_id: ExecutionId }>(
    'orchestrator.find',
    `select execution_id from executions where tenant = $1 and (execution_id = $2 or idempotency_key = $3)
     union all select execution_id from submissions where tenant = $1 and sequence = $4`,
    [tenant, by.executionId ?? null, by.key ?? null, by.sequence ?? null],
  )
  if (!row) throw new DeedError('not_found', 'there is no such execution; `deed get executions` lists them')
  return row.execution_id
}

/** @returns undefined if the tenant has no such task */
export async function findTask(
  db: Database,
  { tenant }: Principal,
  taskId: TaskId,
): Promise<{ executionId: ExecutionId; taskId: TaskId } | undefined> {
  const [row] = await db.query<{ execution_id: ExecutionId }>(
    'orchestrator.find_task',
    'select execution_id from desired_state where tenant = $1 and task_id = $2',
    [tenant, taskId],
  )
  return row && { executionId: row.execution_id, taskId }
}

/** The caller's newest execution that has ended and left an effect. */
export async function findLastChange(db: Database, { tenant, user }: Principal): Promise<ExecutionId | undefined> {
  const [row] = await db.query<{ execution_id: ExecutionId }>(
    'orchestrator.last_change',
    `select execution_id from (
       (select execution_id from ends where tenant = $1 and user_name = $2 and changed order by execution_id desc limit 1)
       union all
       (select e.execution_id from executions e
         where e.tenant = $1 and not e.followed_up and not e.held and e.user_name = $2 and e.status = any($3)
           and exists (select from actual_state a where a.execution_id = e.execution_id and a.effect <> 'none')
         order by e.execution_id desc limit 1)) c
      order by execution_id desc limit 1`,
    [tenant, user, [...FINAL_EXECUTION_STATUSES]],
  )
  return row?.execution_id
}

/** Newest first. */
export async function selectExecutions(
  db: Database,
  { tenant }: Principal,
  statuses: readonly ExecutionStatus[],
  by: {
    template?: string | undefined
    target?: string | undefined
    limit: number
    cursor?: ExecutionId | undefined
  },
): Promise<ExecutionId[]> {
  const byTemplate = by.template === undefined ? '$3::text is null' : 'e.template_used = $3'
  const others = `${byTemplate} and ($5::uuid is null or e.execution_id < $5) and ($4::text is null or exists (
    select from desired_state d where d.execution_id = e.execution_id and d.spec->'input'->>'target' = $4))`
  const rows = await db.query<{ execution_id: ExecutionId }>(
    `orchestrator.select${by.template === undefined ? '' : '_by_template'}`,
    `select execution_id from (
       (select e.execution_id from executions e
         where e.tenant = $1 and not e.followed_up and not e.held and e.status = any($2) and ${others}
         order by e.execution_id desc limit $6)
       union all
       (select x.execution_id from unnest($2::text[]) s(status) cross join lateral (
          select e.execution_id from held_executions e
           where e.tenant = $1 and e.status = s.status and ${others}
           order by e.execution_id desc limit $6) x
         order by x.execution_id desc limit $6)
       union all
       (select x.execution_id from unnest($2::text[]) s(status) cross join unnest($7::text[]) m(method) cross join lateral (
          select e.execution_id from ends e
           where e.tenant = $1 and e.status = s.status and e.method = m.method and ${others}
           order by e.execution_id desc limit $6) x
         order by x.execution_id desc limit $6)) c
      order by execution_id desc limit $6`,
    [tenant, [...statuses], by.template ?? null, by.target ?? null, by.cursor ?? null, by.limit, METHODS],
  )
  return rows.map(({ execution_id }) => execution_id)
}
