/** Our spans in the form that OpenTelemetry's exporter reads. */
import {
  type Attributes,
  type HrTime,
  type Link,
  SpanKind as OtelSpanKind,
  type SpanContext,
  type SpanStatus,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import type { RecordedSpan, SpanKind } from './span.ts'
import { type SpanData, spanData } from './span-data.ts'

const SCOPE = { name: 'deed' }

/** It is put into its form, and its secrets are removed, when its batch is exported, not when it ends. */
export class ExportedSpan implements Omit<ReadableSpan, 'parentSpanContext'> {
  readonly resource: Resource
  readonly instrumentationScope = SCOPE
  readonly ended = true
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  readonly #span: RecordedSpan
  #data: SpanData | undefined

  constructor(span: RecordedSpan, resource: Resource) {
    this.#span = span
    this.resource = resource
  }

  get #made(): SpanData {
    this.#data ??= spanData(this.#span)
    return this.#data
  }

  get name(): string {
    return this.#made.name
  }

  get kind(): OtelSpanKind {
    return KINDS[this.#span.kind]
  }

  spanContext(): SpanContext {
    return contextOf(this.#span.traceId, this.#span.spanId)
  }

  get parentSpanContext(): SpanContext | undefined {
    const { traceId, parentId } = this.#span
    return parentId === undefined ? undefined : contextOf(traceId, parentId)
  }

  get startTime(): HrTime {
    return hrTime(this.#span.startMs)
  }

  get endTime(): HrTime {
    return hrTime(this.#span.startMs + this.#made.duration_ms)
  }

  get duration(): HrTime {
    return hrTime(this.#made.duration_ms)
  }

  get status(): SpanStatus {
    const { failed, message } = this.#made
    if (!failed) return UNSET
    return { code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) }
  }

  get attributes(): Attributes {
    return this.#made.attributes
  }

  get events(): TimedEvent[] {
    return this.#made.events.map(({ name, at, attributes }) => ({ name, time: hrTime(at), attributes }))
  }

  get links(): Link[] {
    return this.#made.links.map(({ trace_id, span_id, attributes }) => ({
      context: contextOf(trace_id, span_id),
      attributes,
    }))
  }
}

const contextOf = (traceId: string, spanId: string): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
})

const UNSET = { code: SpanStatusCode.UNSET }
const KINDS: Record<SpanKind, OtelSpanKind> = {
  internal: OtelSpanKind.INTERNAL,
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
}

/** Seconds, and nanoseconds of the next. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1e6))]
}
