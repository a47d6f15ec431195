/**
 * The spans that the processes of a mesh have in memory.
 *
 * Both messages go to every process of every service, and not to one of each: so they are no contracts. `trace.get` is
 * answered by each with what it has; the caller gathers the answers. After `trace.keep` a process exports a trace that
 * was not sampled at its beginning.
 */
import { z } from 'zod'

export const GET_TRACE = 'trace.get'
export const KEEP_TRACE = 'trace.keep'

export const TraceId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits')

export const TraceQuery = z.strictObject({ trace_id: TraceId })

const Attributes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))

export const TraceSpan = z.object({
  trace_id: TraceId,
  span_id: z.string(),
  parent_id: z.string().nullable(),
  name: z.string(),
  kind: z.enum(['internal', 'server', 'client', 'producer', 'consumer']),
  /** In milliseconds since 1970. */
  start_ms: z.number(),
  duration_ms: z.number(),
  failed: z.boolean(),
  /** Why it failed. */
  message: z.string().optional(),
  attributes: Attributes,
  events: z.array(z.object({ name: z.string(), at: z.number(), attributes: Attributes })),
  links: z.array(z.object({ trace_id: z.string(), span_id: z.string(), attributes: Attributes })),
})
export type TraceSpan = z.output<typeof TraceSpan>

export const TraceAnswer = z.object({
  service: z.string(),
  spans: z.array(TraceSpan),
  /** How many more spans the process had, and has forgotten or cannot send. */
  omitted: z.int().min(0),
})
export type TraceAnswer = z.output<typeof TraceAnswer>
