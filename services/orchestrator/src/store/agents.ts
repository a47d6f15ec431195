/** Workers: their heartbeats, the leases that these extend, and their capacity. */
import type { TaskId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'
import { WORKER_TASKS_MAX, type WorkerView } from '@deed/proto/worker'
import type { Database } from './schema.ts'

/** A worker without a heartbeat for this long is gone. */
const SILENT_SECONDS_MAX = 7

/** ISO 8601, for `to_char`. */
const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'

export interface Beat {
  agentId: string
  capability: Capability
  slots: number
  draining: boolean
  running: readonly { task_id: TaskId; token: number }[]
  leaseMs: number
}

/** @returns the attempts that are still wanted; the others have lost their lease or must stop */
export async function recordHeartbeat(db: Database, beat: Beat): Promise<Set<TaskId>> {
  const { agentId, capability, slots, draining, running, leaseMs } = beat
  const rows = await db.query<{ task_id: TaskId }>(
    'orchestrator.heartbeat',
    `with relaxed as (select set_config('synchronous_commit', 'off', true)
     ), running as (
       select * from unnest($6::uuid[], $7::bigint[]) as r(task_id, token)
     ), beat as (
       insert into agents (agent_id, status, capability, slots, running, current_task)
       select $1, $2, $3, $4, $5, ($6::uuid[])[1] from relaxed
       on conflict (agent_id) do update set status = excluded.status, slots = excluded.slots,
         running = excluded.running, current_task = excluded.current_task, last_seen = now()
     ), extended as (
       update actual_state a
          set lease_expires_at = now() + make_interval(secs => $8::float8 / 1000), assigned_agent = $1
         from running r
        where a.task_id = r.task_id and a.token = r.token and a.actual_status = 'in_progress'
       returning a.task_id, a.intent
     )
     select e.task_id from extended e join desired_state d using (task_id)
      where e.intent = 'undo' or d.desired_status = 'done'`,
    [
      agentId,
      draining ? 'draining' : running.length > 0 ? 'busy' : 'idle',
      capability,
      slots,
      running.length,
      running.map(({ task_id }) => task_id),
      running.map(({ token }) => token),
      leaseMs,
    ],
  )
  return new Set(rows.map(({ task_id }) => task_id))
}

export interface ResyncState {
  /** The database's time, in milliseconds since 1970. */
  now_ms: number
  slots: Partial<Record<Capability, number>> | null
  running: { task_id: TaskId; capability: Capability }[] | null
  late: { waiter_id: string; execution_id: string; reply_to: string }[] | null
  /** Workers that have fallen silent and are not marked yet. */
  silent: boolean
  /** A goal or a schedule is due. */
  goalsAndSchedules: boolean
  /** Executions have begun to wait for a person, or ended to. */
  heldChanges: boolean
}

/** What the resync reads of the mesh, in one round trip. */
export async function readResyncState(db: Database, lateMax: number): Promise<ResyncState> {
  const [row] = await db.query<ResyncState>(
    'orchestrator.look_out',
    `select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms,
       (select jsonb_object_agg(capability, slots) from (
          select capability, sum(slots)::int as slots from agents
           where status in ('idle', 'busy') and last_seen > now() - make_interval(secs => ${SILENT_SECONDS_MAX})
           group by capability) s) as slots,
       (select jsonb_agg(jsonb_build_object('task_id', a.task_id, 'capability', d.capability))
          from actual_state a
         cross join lateral (select capability from desired_state where task_id = a.task_id offset 0) d
         where a.actual_status = 'in_progress') as running,
       (select jsonb_agg(jsonb_build_object('waiter_id', waiter_id::text, 'execution_id', execution_id,
                                            'reply_to', reply_to)) from (
          select * from waiters where due_at < now() - interval '1 second' limit $1) w) as late,
       exists (select from agents
                where status <> 'gone' and last_seen <= now() - make_interval(secs => ${SILENT_SECONDS_MAX})) as silent,
       exists (select from goals where status <> 'blocked' and not paused and next_check_at <= now())
         or exists (select from schedules where not paused and next_check_at <= now()) as "goalsAndSchedules",
       exists (select from held_changes) as "heldChanges"`,
    [lateMax],
  )
  if (!row) throw new Error('PostgreSQL returned no row for a select without a table')
  return row
}

export async function markGone(db: Database): Promise<void> {
  await db.query(
    'orchestrator.mark_gone',
    `update agents set status = 'gone', running = 0, current_task = null
      where status <> 'gone' and last_seen <= now() - make_interval(secs => ${SILENT_SECONDS_MAX})`,
    [],
  )
}

export type ListedWorker = Omit<WorkerView, 'service'>

/** By id; one more than `limit` if there are more. */
export async function readWorkers(
  db: Database,
  tenant: string,
  { gone, limit, cursor }: { gone: boolean; limit: number; cursor?: string | undefined },
): Promise<ListedWorker[]> {
  const rows = await db.query<Omit<ListedWorker, 'last_seen'> & { last_seen: Date }>(
    'orchestrator.list_workers',
    `with page as (
       select * from (
         select agent_id, capability, slots, running, last_seen,
                case when last_seen <= now() - make_interval(secs => ${SILENT_SECONDS_MAX}) then 'gone' else status end as status
           from agents) a
        where ($2 or status <> 'gone') and agent_id > $3 order by agent_id limit $4
     ), active as (
       select a.assigned_agent, a.task_id, a.execution_id, d.title, a.intent, coalesce(a.last_attempt, a.progress_at) as since,
              row_number() over (partition by a.assigned_agent order by coalesce(a.last_attempt, a.progress_at)) as number
         from actual_state a join desired_state d using (task_id)
        where a.actual_status = 'in_progress' and a.tenant = $1 and a.assigned_agent in (select agent_id from page)
     )
     select p.agent_id as worker_id, p.capability, p.status, p.slots, p.running, p.last_seen,
            coalesce((select jsonb_agg(jsonb_build_object('task_id', a.task_id, 'execution_id', a.execution_id,
                'title', a.title, 'intent', a.intent, 'since', to_char(a.since at time zone 'utc', '${ISO}')) order by a.number)
               from active a where a.assigned_agent = p.agent_id and a.number <= ${WORKER_TASKS_MAX}), '[]') as tasks
       from page p order by p.agent_id`,
    [tenant, gone, cursor ?? '', limit + 1],
  )
  return rows.map((row) => ({ ...row, last_seen: row.last_seen.toISOString() }))
}
