/** Spans as data, for the exporter and for `deed trace`: bounded, and without secrets. */
import { redact } from './redact.ts'
import type { RecordedSpan, SpanAttribute, SpanAttributes, SpanKind } from './span.ts'

export interface SpanData {
  trace_id: string
  span_id: string
  parent_id: string | null
  name: string
  kind: SpanKind
  /** In milliseconds since 1970. */
  start_ms: number
  duration_ms: number
  failed: boolean
  /** Why it failed. */
  message?: string
  attributes: Record<string, SpanAttribute>
  events: { name: string; at: number; attributes: Record<string, SpanAttribute> }[]
  links: { trace_id: string; span_id: string; attributes: Record<string, SpanAttribute> }[]
}

/** @param span an ended one */
export function spanData(span: RecordedSpan): SpanData {
  const { traceId, spanId, parentId, name, kind, startMs, endMs = startMs, failed, message, events, links } = span
  const attributes = span.attributes
  const isClean = holdsNoSecret([{ message: message ?? '' }, attributes, ...[...events, ...links].map(attributesOf)])
  const shown = isClean ? unchanged : redacted
  return {
    trace_id: traceId,
    span_id: spanId,
    parent_id: parentId ?? null,
    name,
    kind,
    start_ms: startMs,
    duration_ms: endMs - startMs,
    failed,
    ...(message === undefined ? {} : { message: isClean ? message : redact(message) }),
    attributes: shown(attributes),
    events: events.map((event) => ({ name: event.name, at: event.at, attributes: shown(event.attributes) })),
    links: links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      attributes: shown(attributesOf(link)),
    })),
  }
}

const attributesOf = ({ attributes = {} }: { attributes?: SpanAttributes }): SpanAttributes => attributes

/** One check of all texts is cheaper than one of each. No secret contains what is between them. */
function holdsNoSecret(parts: readonly SpanAttributes[]): boolean {
  let texts = ''
  for (const part of parts) {
    for (const key in part) {
      const value = part[key]
      if (typeof value === 'string' || Array.isArray(value)) texts += `\u0001${value}`
    }
  }
  return redact(texts) === texts
}

const unchanged = (attributes: SpanAttributes): Record<string, SpanAttribute> => attributes

function redacted(attributes: SpanAttributes): Record<string, SpanAttribute> {
  const found: Record<string, SpanAttribute> = {}
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'string') found[key] = redact(value)
    else found[key] = Array.isArray(value) ? value.map(redact) : value
  }
  return found
}
