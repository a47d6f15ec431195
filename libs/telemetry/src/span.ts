/**
 * Spans that cost next to nothing unless they are recorded.
 *
 * The root decides whether a trace is recorded, before the tracing SDK is involved. Work of an unrecorded trace gets a
 * span that only propagates the trace context, without any OpenTelemetry code. The parent is always an argument, never
 * taken from the asynchronous context: so both kinds of span behave alike.
 */
import { isSampled, isTraceparent, newUnsampledTraceparent, traceIdOf } from './trace-context.ts'

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export type SpanAttribute = string | number | boolean | string[]

export interface SpanOptions {
  /** The `traceparent` header of the cause of this work. Without one, or if it is malformed, the span is a root. */
  readonly parent?: string | undefined
  /** Default `internal`. */
  readonly kind?: SpanKind
  readonly attributes?: Readonly<Record<string, SpanAttribute>>
}

export interface Span {
  /** 32 hex digits, the same for every span of a trace. */
  readonly traceId: string
  /** The header for calls that this work makes. */
  readonly traceparent: string
  setAttribute(key: string, value: SpanAttribute): void
  /** Marks the work as failed, with the name or code of the error. The span must still be ended. */
  fail(error: unknown): void
  /** Runs `work` so that spans of instrumented libraries (pg, http) become children of this one. */
  run<T>(work: () => T): T
  /** Ends the span; later calls on it are ignored. */
  end(): void
}

/** Records spans: the tracing SDK, installed by the preload. */
export interface Recorder {
  /** The sampling ratio of new traces, 0 to 1. */
  readonly ratio: number
  /** @param parent the validated parent of the options */
  start(name: string, parent: string | undefined, options: SpanOptions): Span
  /** Exports the spans that were not exported yet. */
  shutdown(): Promise<void>
}

/** Undefined if tracing is off. */
export let recorder: Recorder | undefined

/** Replaces the recorder; `undefined` ends recording. */
export function installRecorder(next: Recorder | undefined): void {
  recorder = next
}

/** Starts a span. The caller must end it on every path. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const { parent } = options
  if (parent === undefined || !isTraceparent(parent)) {
    if (recorder !== undefined && Math.random() < recorder.ratio) return recorder.start(name, undefined, options)
    return passOn(newUnsampledTraceparent())
  }
  if (recorder !== undefined && isSampled(parent)) return recorder.start(name, parent, options)
  return passOn(parent)
}

/** An unrecorded span. It keeps the parent's id, since it has none of its own that a child could reference. */
function passOn(traceparent: string): Span {
  return {
    traceId: traceIdOf(traceparent),
    traceparent,
    setAttribute: ignore,
    fail: ignore,
    run: runBare,
    end: ignore,
  }
}

function ignore(): void {}

function runBare<T>(work: () => T): T {
  return work()
}
