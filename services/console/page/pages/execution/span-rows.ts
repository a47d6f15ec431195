/** The spans of a trace as rows: in the order of their beginnings, each below its parent. */
import type { TraceSpan } from '@deed/proto/trace'

/** A span, and the service that recorded it. */
export interface ServedSpan extends TraceSpan {
  readonly service: string
}

export interface SpanRow {
  readonly span: ServedSpan
  readonly depth: number
  /** Its parent is in a process that has forgotten it, or died with it. */
  readonly lost: boolean
  /** Where in the whole it was: shares, 0 to 1. */
  readonly x: number
  readonly width: number
}

/** There are many statements of databases, and each is short. */
const isStatement = ({ attributes }: TraceSpan): boolean => attributes['db.system.name'] !== undefined

/** @param statements with those of databases; one that failed is always shown */
export function spanRows(spans: readonly ServedSpan[], { statements = false } = {}): SpanRow[] {
  const shown = spans
    .filter((span) => statements || span.failed || !isStatement(span))
    .toSorted((one, other) => one.start_ms - other.start_ms)
  const ids = new Set(shown.map(({ span_id: id }) => id))
  const isTop = ({ parent_id: parent }: TraceSpan): boolean => parent === null || !ids.has(parent)
  const children = Map.groupBy(
    shown.filter((span) => !isTop(span)),
    ({ parent_id: parent }) => parent,
  )
  const start = shown.reduce((least, { start_ms: at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const end = shown.reduce((most, { start_ms: at, duration_ms: ms }) => Math.max(most, at + ms), start)
  const wholeMs = Math.max(1, end - start)
  const rows: SpanRow[] = []
  // What is still to be listed, the next one last.
  const open = shown
    .filter(isTop)
    .map((span) => ({ span, depth: 0 }))
    .reverse()
  for (let next = open.pop(); next; next = open.pop()) {
    const { span, depth } = next
    rows.push({
      span,
      depth,
      lost: span.parent_id !== null && !ids.has(span.parent_id),
      x: (span.start_ms - start) / wholeMs,
      width: span.duration_ms / wholeMs,
    })
    for (const child of (children.get(span.span_id) ?? []).toReversed()) open.push({ span: child, depth: depth + 1 })
  }
  return rows
}
