/** Traces as Jaeger's query API has them. */
import { z } from 'zod'

const Span = z.object({
  spanID: z.string(),
  processID: z.string(),
  operationName: z.string(),
  /** In microseconds since 1970. */
  startTime: z.number(),
  /** In microseconds. */
  duration: z.number(),
  references: z.array(z.object({ refType: z.string(), spanID: z.string() })).default([]),
  tags: z.array(z.object({ key: z.string(), value: z.unknown() })),
  warnings: z.array(z.string()).nullish(),
})
export type JaegerSpan = z.output<typeof Span>

const Trace = z.object({
  traceID: z.string(),
  spans: z.array(Span),
  processes: z.record(z.string(), z.object({ serviceName: z.string() })),
})
export type JaegerTrace = z.output<typeof Trace>

export const Traces = z.object({ data: z.array(Trace) })

export const parentsOf = ({ references }: JaegerSpan): string[] =>
  references.filter(({ refType }) => refType === 'CHILD_OF').map(({ spanID }) => spanID)

/** Whether every parent of the spans is one of them, and these names are there. */
export function isWhole({ spans }: JaegerTrace, names: readonly string[]): boolean {
  const ids = new Set(spans.map(({ spanID }) => spanID))
  const operations = spans.map(({ operationName }) => operationName)
  return spans.flatMap(parentsOf).every((id) => ids.has(id)) && names.every((name) => operations.includes(name))
}
