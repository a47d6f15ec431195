/** Schedules: their rows, and the claim to advance one. */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { CatchUp, Overlap } from '@deed/proto/schedule'
import type { Database } from './schema.ts'

export interface ScheduleRow {
  tenant: string
  name: string
  schedule_id: string
  user_name: string
  source_hash: string
  /** Without a key. */
  request: ExecutionRequest
  cron: string | null
  timezone: string
  every_ms: number | null
  overlap: Overlap
  catch_up: CatchUp
  paused: boolean
  anchor: string
  next_due_at: string
  queued: string[]
  last_due_at: string | null
  execution_id: ExecutionId | null
  fired: number
  skipped: number
  why: string | null
  claims: number
  next_check_at: string
  created_at: string
}

/** A claimed schedule that is not advanced within this time is advanced by another replica. */
const STEP_MS_MAX = 5_000
const SCHEDULES_MAX = 1_000

type NewSchedule = Omit<
  ScheduleRow,
  | 'paused'
  | 'queued'
  | 'last_due_at'
  | 'execution_id'
  | 'fired'
  | 'skipped'
  | 'why'
  | 'claims'
  | 'next_check_at'
  | 'created_at'
>

/**
 * Stores a schedule, replacing one of the same name unless they are equal.
 *
 * @throws {DeedError} `limit_exceeded`; nothing is stored
 */
export async function storeSchedule(db: Database, schedule: NewSchedule): Promise<ScheduleRow> {
  const { tenant, name } = schedule
  const [row] = await db.query<{ schedule: ScheduleRow }>(
    'orchestrator.schedule_put',
    `insert into schedules (tenant, name, schedule_id, user_name, source_hash, request, cron, timezone, every_ms,
       overlap, catch_up, anchor, next_due_at, next_check_at)
     select $1, $2, $3::uuid, $4, $5, $6::jsonb, $7, $8, $9::bigint, $10, $11, $12::timestamptz, $13::timestamptz, $13::timestamptz
      where (select count(*) from schedules where tenant = $1 and name <> $2) < ${SCHEDULES_MAX}
     on conflict (tenant, name) do update set schedule_id = excluded.schedule_id, user_name = excluded.user_name,
       source_hash = excluded.source_hash, request = excluded.request, cron = excluded.cron,
       timezone = excluded.timezone, every_ms = excluded.every_ms, overlap = excluded.overlap,
       catch_up = excluded.catch_up, anchor = excluded.anchor, next_due_at = excluded.next_due_at, queued = '[]',
       last_due_at = null, execution_id = null, fired = 0, skipped = 0, why = null, paused = false,
       claims = schedules.claims + 1, next_check_at = excluded.next_check_at, created_at = now()
      where schedules.source_hash <> excluded.source_hash
     returning to_jsonb(schedules) as schedule`,
    [
      tenant,
      name,
      schedule.schedule_id,
      schedule.user_name,
      schedule.source_hash,
      JSON.stringify(schedule.request),
      schedule.cron,
      schedule.timezone,
      schedule.every_ms,
      schedule.overlap,
      schedule.catch_up,
      schedule.anchor,
      schedule.next_due_at,
    ],
  )
  if (row) return row.schedule
  const [same] = await readSchedules(db, { tenant, user: schedule.user_name }, name)
  if (!same) throw new DeedError('limit_exceeded', `a tenant has at most ${SCHEDULES_MAX} schedules; delete one`)
  return same
}

export async function readSchedules(db: Database, { tenant }: Principal, name: string | null): Promise<ScheduleRow[]> {
  const rows = await db.query<{ schedule: ScheduleRow }>(
    'orchestrator.schedules',
    `select to_jsonb(schedules) as schedule from schedules
      where tenant = $1 and ($2::text is null or name = $2) order by name`,
    [tenant, name],
  )
  return rows.map(({ schedule }) => schedule)
}

/**
 * @param nextDueAt of a resumed one
 * @throws {DeedError} `not_found`
 */
export async function steerSchedule(
  db: Database,
  { tenant }: Principal,
  name: string,
  paused: boolean,
  nextDueAt: string | null = null,
): Promise<ScheduleRow> {
  const [row] = await db.query<{ schedule: ScheduleRow }>(
    'orchestrator.schedule_steer',
    `update schedules set
       next_due_at = case when paused and not $3 then coalesce($4::timestamptz, next_due_at) else next_due_at end,
       next_check_at = case when paused and not $3 then coalesce($4::timestamptz, next_check_at) else next_check_at end,
       paused = $3
     where tenant = $1 and name = $2 returning to_jsonb(schedules) as schedule`,
    [tenant, name, paused, nextDueAt],
  )
  if (!row) throw new DeedError('not_found', `there is no schedule "${name}"; \`deed schedule list\` lists them`)
  return row.schedule
}

export async function dropSchedule(db: Database, { tenant }: Principal, name: string): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.schedule_delete',
    `delete from schedules where tenant = $1 and name = $2 returning name`,
    [tenant, name],
  )
  return rows.length > 0
}

/** Claims schedules that are due; no other replica gets them. */
export async function claimSchedules(db: Database, max: number): Promise<ScheduleRow[]> {
  const rows = await db.query<{ schedule: ScheduleRow }>(
    'orchestrator.schedules_claim',
    `update schedules s set claims = claims + 1, next_check_at = now() + make_interval(secs => ${STEP_MS_MAX / 1_000})
       from (select schedule_id from schedules where not paused and next_check_at <= now()
              order by next_check_at limit $1 for update skip locked) due
      where s.schedule_id = due.schedule_id
     returning to_jsonb(s) as schedule`,
    [max],
  )
  return rows.map(({ schedule }) => schedule)
}

export interface Moved
  extends Pick<
    ScheduleRow,
    'next_due_at' | 'queued' | 'last_due_at' | 'execution_id' | 'fired' | 'skipped' | 'why' | 'next_check_at' | 'paused'
  > {}

/** Stores how the due times were handled. @returns false if another replica holds the claim */
export async function moveSchedule(db: Database, schedule: ScheduleRow, moved: Moved): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.schedule_moved',
    `update schedules set next_due_at = $3, queued = $4, last_due_at = $5, execution_id = $6, fired = $7, skipped = $8,
       why = $9, next_check_at = $10, paused = paused or $11
      where schedule_id = $1 and claims = $2 returning name`,
    [
      schedule.schedule_id,
      schedule.claims,
      moved.next_due_at,
      JSON.stringify(moved.queued),
      moved.last_due_at,
      moved.execution_id,
      moved.fired,
      moved.skipped,
      moved.why,
      moved.next_check_at,
      moved.paused,
    ],
  )
  return rows.length > 0
}
