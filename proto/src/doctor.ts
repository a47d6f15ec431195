/** Health checks of a mesh with advice: each service reports what it alone can see. */
import { z } from 'zod'
import { request } from './contract.ts'
import { JsonObject } from './json.ts'

/** `problem`: something must be changed; `warning`: it works, but could be better. */
export const Check = z.object({
  name: z.string().max(128),
  status: z.enum(['ok', 'warning', 'problem']),
  /** A sentence: the finding. */
  message: z.string().max(4_096),
  /** What to change; present unless the status is ok. */
  advice: z.string().max(1_024).optional(),
  data: JsonObject.optional(),
  /** For a service with several instances, the ids of those with this finding. */
  instances: z.array(z.string().max(64)).max(1_000).optional(),
})
export type Check = z.output<typeof Check>

const examination = {
  timeoutMs: 15_000,
  idempotent: true,
  /** Instances may see different things. */
  each: true as const,
  input: z.strictObject({}),
  output: z.object({ checks: z.array(Check).max(1_000) }),
}

/** The database, its settings and sizes; the streams; the registered workers. Nothing is changed. */
export const examineOrchestrator = request({
  ...examination,
  subject: 'doctor.orchestrator',
  owner: 'orchestrator',
  summary: 'Examine the database, the streams and the workers.',
})

/** The sandbox, workspaces, targets and secrets of the executor that answers. */
export const examineExecutor = request({
  ...examination,
  subject: 'doctor.executor',
  owner: 'executor',
  summary: 'Examine the sandbox, the workspaces and the targets.',
})

/** The model server and its models. */
export const examineAgent = request({
  ...examination,
  subject: 'doctor.agent',
  owner: 'hybrid-agent',
  summary: 'Examine the model server.',
})
