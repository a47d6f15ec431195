/** Schedules: requests that are made repeatedly at given times, by the database's clock. */
import { z } from 'zod'
import { request } from './contract.ts'
import { WordsRequest } from './execution.ts'
import { GoalName } from './goal.ts'
import { ExecutionId } from './ids.ts'
import { Manifest, ManifestName } from './manifest.ts'

/** What happens to a time that comes before the previous execution has ended. */
export const OVERLAPS = ['skip', 'queue', 'replace'] as const
export const Overlap = z.enum(OVERLAPS)
export type Overlap = z.output<typeof Overlap>

/** Which missed times are made up for. */
export const CATCH_UPS = ['none', 'last', 'all'] as const
export const CatchUp = z.enum(CATCH_UPS)
export type CatchUp = z.output<typeof CatchUp>

/** A time counts as missed if it was not handled within this time. */
export const MISSED_AFTER_MS = 60_000
/** Queued times, either missed or waiting; beyond this number the oldest are skipped. */
export const QUEUED_MAX = 100

/** The schedule sets the key: one execution per time. */
const Scheduled = WordsRequest.omit({ idempotency_key: true, dry_run: true })

/** Exactly one of `task` and `manifest`. */
const ScheduledRequest = z.strictObject({
  ...Scheduled.shape,
  task: Scheduled.shape.task.optional(),
  manifest: Manifest.optional(),
})

export const ScheduleView = z.object({
  name: GoalName,
  /** Identifies this schedule, and no later one of the same name. */
  schedule_id: z.uuid(),
  user: z.string(),
  /** For a manifest: its name as the task, and the number of its tasks. */
  request: z.object({
    ...Scheduled.shape,
    manifest: z.object({ name: ManifestName, tasks: z.int() }).optional(),
  }),
  cron: z.string().nullable(),
  timezone: z.string(),
  every_ms: z.int().nullable(),
  overlap: Overlap,
  catch_up: CatchUp,
  paused: z.boolean(),
  /** The next three. */
  due: z.array(z.iso.datetime()),
  /** Times that wait for the previous execution. */
  queued: z.array(z.iso.datetime()),
  last_due_at: z.iso.datetime().nullable(),
  execution_id: ExecutionId.nullable(),
  fired: z.int(),
  skipped: z.int(),
  /** Why the last time led to no execution. */
  why: z.string().nullable(),
  created_at: z.iso.datetime(),
})
export type ScheduleView = z.output<typeof ScheduleView>

/**
 * Runs something at given times: exactly one execution for each. A repeat changes nothing; another schedule under the
 * same name replaces it, and starts over.
 */
export const putSchedule = request({
  subject: 'schedule.put',
  owner: 'orchestrator',
  summary: 'Run something at given times.',
  timeoutMs: 5_000,
  idempotent: true,
  /** Exactly one of `cron` and `every_ms`. */
  input: z.strictObject({
    name: GoalName,
    request: ScheduledRequest,
    /** Five fields, or six with the seconds first; also @hourly, @daily, @weekly, @monthly, @yearly. */
    cron: z.string().min(1).max(256).optional(),
    /** From the IANA database, as `Europe/Berlin`; the time zone of `cron`. */
    timezone: z.string().min(1).max(64).default('UTC'),
    every_ms: z.int().min(1_000).max(31_536_000_000).optional(),
    overlap: Overlap.default('skip'),
    catch_up: CatchUp.default('last'),
  }),
  output: ScheduleView,
})
export type PutSchedule = z.output<typeof putSchedule.input>

export const listSchedules = request({
  subject: 'schedule.list',
  owner: 'orchestrator',
  summary: 'Schedules, by name.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName.optional() }),
  output: z.object({ schedules: z.array(ScheduleView) }),
})

/** Its running execution continues. */
export const deleteSchedule = request({
  subject: 'schedule.delete',
  owner: 'orchestrator',
  summary: 'Delete a schedule.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: z.object({ deleted: z.boolean() }),
})

export const pauseSchedule = request({
  subject: 'schedule.pause',
  owner: 'orchestrator',
  summary: 'Skip its times until it is resumed.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: ScheduleView,
})

/** The times that passed meanwhile are not made up for. */
export const resumeSchedule = request({
  subject: 'schedule.resume',
  owner: 'orchestrator',
  summary: 'Resume with the next of its times.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: ScheduleView,
})
