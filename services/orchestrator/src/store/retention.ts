/** Deletes the bodies of executions, a batch at a time. */
import type { ExecutionId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { lowestIdAt } from '../execution/execution-id.ts'
import type { Database } from './schema.ts'

/** Replaces the words of a task. */
export const REMOVED = '(removed)'
const ALERTS_MAX = 10_000

/** @returns whether the run was claimed: no other run of that name within `everyMs` */
export async function claimRun(db: Database, name: string, now: number, everyMs: number): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.claim_run',
    `insert into retention_runs as r (name, at) values ($1, to_timestamp($2::float8 / 1000))
     on conflict (name) do update set at = excluded.at
      where r.at < excluded.at - make_interval(secs => $3::float8 / 1000)
     returning name`,
    [name, now, everyMs],
  )
  return rows.length > 0
}

export async function writeOutcome(db: Database, name: string, outcome: JsonObject): Promise<void> {
  await db.query('orchestrator.run_outcome', 'update retention_runs set outcome = $2 where name = $1', [
    name,
    JSON.stringify(outcome),
  ])
}

export interface Cutoffs {
  /** Executions that ended before this time are old; milliseconds since 1970. */
  ended: number
  /** The limit for executions that left a change, which could be rolled back. */
  changed: number
}

/** Executions of one tenant, from its first on. */
export interface Span {
  tenant: string
  last: ExecutionId
}

/** For each tenant with more ended executions than `max`: those before the newest `max`. */
export async function beyondNewest(db: Database, max: number): Promise<Span[]> {
  const rows = await db.query<{ tenant: string; last: ExecutionId | null }>(
    'orchestrator.beyond_newest',
    `select t.tenant, (
       select n.execution_id from ends n where n.tenant = t.tenant and n.words is not null
        order by n.execution_id desc offset $1 limit 1) as last
       from (select tenant from counts where period = 'month' and measure like 'status:%'
              group by tenant having sum(value) > $1) t`,
    [max],
  )
  return rows.flatMap(({ tenant, last }) => (last === null ? [] : [{ tenant, last }]))
}

/** What is stored of an execution that retention deletes. */
const BODY = ['desired_state', 'actual_state', 'plans', 'approvals']
const PAGE = 500

/**
 * For each tenant whose ended executions have bodies of more than `bytesMax`: those before the newest that fit. Reads
 * the newest first, and about as many bytes as may be kept.
 */
export async function beyondBytes(db: Database, bytesMax: number): Promise<Span[]> {
  const tenants = await db.query<{ tenant: string }>('orchestrator.tenants', 'select distinct tenant from ends', [])
  const spans: Span[] = []
  for (const { tenant } of tenants) {
    const last = await firstBeyond(db, tenant, bytesMax)
    if (last !== undefined) spans.push({ tenant, last })
  }
  return spans
}

async function firstBeyond(db: Database, tenant: string, bytesMax: number): Promise<ExecutionId | undefined> {
  let [left, before]: [number, ExecutionId | null] = [bytesMax, null]
  for (;;) {
    const rows: Sized[] = await db.query<Sized>('orchestrator.body_sizes', BODY_SIZES, [tenant, before, PAGE])
    for (const { execution_id, bytes } of rows) {
      left -= bytes
      if (left < 0) return execution_id
    }
    before = rows.at(-1)?.execution_id ?? null
    if (before === null) return undefined
  }
}

interface Sized {
  execution_id: ExecutionId
  bytes: number
}

const BODY_SIZES = `
select n.execution_id, (pg_column_size(e.request) + coalesce(pg_column_size(e.result), 0) + ${BODY.map(
  (table) => `coalesce((select sum(pg_column_size(b.*)) from ${table} b where b.execution_id = n.execution_id), 0)`,
).join(' + ')})::float8 as bytes
  from (select execution_id from ends where tenant = $1 and words is not null and ($2::uuid is null or execution_id < $2)
         order by execution_id desc limit $3) n
  join executions e using (execution_id)
 order by n.execution_id desc`

/**
 * Marks old ended executions, and returns marked ones whose body still exists. From then on they cannot be undone or
 * retried: the version increases, so cached snapshots are read again.
 */
export async function markOld(
  db: Database,
  { ended, changed }: Cutoffs,
  now: number,
  limit: number,
  span?: Span,
): Promise<ExecutionId[]> {
  const rows = await db.query<{ execution_id: ExecutionId }>(
    'orchestrator.mark_old',
    `with old as (
       select e.execution_id from ends n join executions e using (execution_id)
        where n.words is not null and n.execution_id < $7::uuid
          and n.ended_at < to_timestamp($1::float8 / 1000)
          and (e.pruned_at is not null or n.ended_at < to_timestamp($2::float8 / 1000) or not n.changed)
          and ($5::text is null or (e.tenant = $5 and e.execution_id <= $6::uuid))
        order by n.execution_id limit $4 for update of e skip locked
     )
     update executions e set pruned_at = coalesce(e.pruned_at, to_timestamp($3::float8 / 1000)), version = e.version + 1
       from old where e.execution_id = old.execution_id
     returning e.execution_id`,
    [ended, changed, now, limit, span?.tenant ?? null, span?.last ?? null, lowestIdAt(ended)],
  )
  return rows.map(({ execution_id: id }) => id)
}

/** Deletes the bodies of marked executions. @returns the number */
export async function pruneMarked(db: Database, ids: readonly ExecutionId[]): Promise<number> {
  const [row] = await db.query<{ pruned: number }>(
    'orchestrator.prune',
    `with marked as (
       select execution_id from executions where execution_id = any($1::uuid[]) and pruned_at is not null
     ), evidence as (
       select a.execution_id, jsonb_agg(v.found - 'facts' order by d.position) as found
         from marked join actual_state a using (execution_id) join desired_state d using (task_id)
        cross join lateral (values (a.verification), (a.undo_verification)) as v(found)
        where v.found is not null group by a.execution_id
     ), pruned as (
       update executions e set
         request = jsonb_build_object('task', '${REMOVED}', 'mode', e.request->'mode', 'priority', e.request->'priority',
           'dry_run', e.request->'dry_run'),
         result = case when e.result is null then null
                       else jsonb_build_object('text', left(e.result->>'text', 1000)) end,
         cited = coalesce(e.cited, (select found from evidence v where v.execution_id = e.execution_id))
         from marked m where e.execution_id = m.execution_id
       returning e.execution_id
     ), forgotten as (update ends set words = null from marked m where ends.execution_id = m.execution_id
     ), desired as (delete from desired_state using marked m where desired_state.execution_id = m.execution_id
     ), actual as (delete from actual_state using marked m where actual_state.execution_id = m.execution_id
     ), planned as (delete from plans using marked m where plans.execution_id = m.execution_id
     ), approved as (delete from approvals using marked m where approvals.execution_id = m.execution_id
     )
     select count(*)::int as pruned from pruned`,
    [ids],
  )
  return row?.pruned ?? 0
}

/** Deletes delivered alerts. @returns the number */
export async function pruneAlerts(db: Database, before: number): Promise<number> {
  const rows = await db.query(
    'orchestrator.prune_alerts',
    `delete from alerts where alert_id in (
       select alert_id from alerts where delivered_at < to_timestamp($1::float8 / 1000) limit ${ALERTS_MAX})
     returning alert_id`,
    [before],
  )
  return rows.length
}
