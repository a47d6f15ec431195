/**
 * The last spans of this process, in memory: `deed trace` reads them, with or without a collector, and what failed or
 * waited is exported from them although its trace was not sampled at its beginning.
 *
 * In memory and not in a table: spans outnumber the rows of an execution, nobody reads most of them, and the audit log
 * already says durably what happened. So a restart forgets, and so does a busy hour.
 */

/** Of all traces together: about 10 MB. */
const SPANS_MAX = 10_000
/** Of one trace: a manifest of thousands of tasks leaves room for others. */
const SPANS_OF_TRACE_MAX = 1_000
/** Traces that are exported although they were not sampled. */
const CHOSEN_MAX = 10_000

export interface Stored<Span> {
  readonly spans: readonly Span[]
  /** How many more the trace had. */
  readonly omitted: number
}

export interface SpanStore<Span> {
  add(span: Span): void
  /** What is still here of a trace. */
  of(traceId: string): Stored<Span>
  /** Whether the later spans of a trace are exported, too. */
  isChosen(traceId: string): boolean
  /** @returns false if it was chosen before */
  choose(traceId: string): boolean
}

export interface Limits {
  spansMax?: number
  spansOfTraceMax?: number
  chosenMax?: number
}

export function openSpanStore<Span extends { readonly traceId: string }>({
  spansMax = SPANS_MAX,
  spansOfTraceMax = SPANS_OF_TRACE_MAX,
  chosenMax = CHOSEN_MAX,
}: Limits = {}): SpanStore<Span> {
  /** By trace id; the one that has waited longest for another span comes first. */
  const traces = new Map<string, { spans: Span[]; omitted: number }>()
  const chosen = new Set<string>()
  let count = 0
  return {
    add(span) {
      const { traceId } = span
      const stored = traces.get(traceId) ?? { spans: [], omitted: 0 }
      traces.delete(traceId)
      traces.set(traceId, stored)
      if (stored.spans.length >= spansOfTraceMax) stored.omitted++
      else {
        stored.spans.push(span)
        count++
      }
      // Finding the oldest one passes over the places of all that were deleted before it.
      if (count <= spansMax) return
      for (const [oldest, { spans }] of traces) {
        if (count <= spansMax) break
        traces.delete(oldest)
        count -= spans.length
      }
    },
    of: (traceId) => traces.get(traceId) ?? { spans: [], omitted: 0 },
    isChosen: (traceId) => chosen.has(traceId),
    choose(traceId) {
      if (chosen.has(traceId)) return false
      const [oldest] = chosen
      if (chosen.size >= chosenMax && oldest !== undefined) chosen.delete(oldest)
      chosen.add(traceId)
      return true
    },
  }
}
