/** The values of metrics, as the mesh tells them. */
import { z } from 'zod'
import { request } from './contract.ts'

/** A value of a metric at one time. */
export const Sample = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  value: z.number(),
})
export type Sample = z.output<typeof Sample>

/** The facts about the whole mesh, for the operator: they count all tenants. */
export const readMetrics = request({
  subject: 'metrics.get',
  owner: 'orchestrator',
  summary: 'The facts about the whole mesh that Prometheus is told.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({}),
  output: z.object({
    at: z.iso.datetime(),
    samples: z.array(Sample),
  }),
})
