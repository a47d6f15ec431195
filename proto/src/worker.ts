/** Workers and services, as the mesh sees them now. */
import { z } from 'zod'
import { request, SERVICES } from './contract.ts'
import { ExecutionId, TaskId } from './ids.ts'
import { Capability } from './states.ts'

/** How many tasks of each worker are listed. */
export const WORKER_TASKS_MAX = 50

const WorkerId = z.string().min(1).max(128)

/** A worker by its last heartbeat. */
export const WorkerView = z.object({
  worker_id: WorkerId,
  service: z.enum(SERVICES).nullable(),
  capability: Capability,
  /** draining: it takes no more tasks. gone: no heartbeat for seven seconds. */
  status: z.enum(['idle', 'busy', 'draining', 'gone']),
  slots: z.int().min(0),
  /** Used, by tasks of all tenants. */
  running: z.int().min(0),
  last_seen: z.iso.datetime(),
  /** Those of the caller's tenant, longest first. */
  tasks: z.array(
    z.object({
      task_id: TaskId,
      execution_id: ExecutionId,
      title: z.string(),
      intent: z.enum(['do', 'undo', 'solve']),
      /** Of this attempt. */
      since: z.iso.datetime(),
    }),
  ),
})
export type WorkerView = z.output<typeof WorkerView>

export const listWorkers = request({
  subject: 'worker.list',
  owner: 'orchestrator',
  summary: 'Workers with what they do now, and the services that answer.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** Include those that are gone. */
    gone: z.boolean().default(false),
    limit: z.int().min(1).max(500).default(100),
    /** Workers after this one. */
    cursor: WorkerId.optional(),
  }),
  output: z.object({
    /** By id. */
    workers: z.array(WorkerView),
    next_cursor: WorkerId.nullable(),
    /** Every instance that answers; with the first page. A service that is missing here does not answer. */
    services: z.array(z.object({ service: z.enum(SERVICES), instance: z.string(), version: z.string() })),
  }),
})
