/**
 * Spans that cost next to nothing unless somebody records them.
 *
 * Whether a trace is recorded is decided at its root, before the tracing SDK is touched. Work of a trace that is
 * not recorded gets a span that only carries the trace context on; no code of OpenTelemetry runs for it. The
 * parent is always given in words, never looked up in the asynchronous context: the two kinds behave alike.
 */
import { isSampled, isTraceparent, newUnsampledTraceparent, traceIdOf } from './trace-context.ts'

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export type SpanAttribute = string | number | boolean | string[]

export interface SpanOptions {
  /** The header `traceparent` of what caused this work. Without one, or when it is malformed, the span is a root. */
  readonly parent?: string | undefined
  /** Default `internal`. */
  readonly kind?: SpanKind
  readonly attributes?: Readonly<Record<string, SpanAttribute>>
}

export interface Span {
  /** 32 hex digits; every span of a trace has the same. */
  readonly traceId: string
  /** The header for the calls this work makes. */
  readonly traceparent: string
  setAttribute(key: string, value: SpanAttribute): void
  /** Marks the work as failed, with the name or code of the error. The span is still to be ended. */
  fail(error: unknown): void
  /** Runs `work` so that spans of instrumented libraries (pg, http) become children of this one. */
  run<T>(work: () => T): T
  /** Ends the span; what is called on it later is ignored. */
  end(): void
}

/** What keeps spans: the tracing SDK, which the preload puts here. */
export interface Recorder {
  /** The part of new traces that is recorded, 0 to 1. */
  readonly ratio: number
  /** @param parent the one in the options, once it is known to be good */
  start(name: string, parent: string | undefined, options: SpanOptions): Span
  /** Sends what is recorded and not sent yet. */
  shutdown(): Promise<void>
}

/** Empty when tracing is off. */
export let recorder: Recorder | undefined

/** Takes the place of what was installed; `undefined` ends recording. */
export function installRecorder(next: Recorder | undefined): void {
  recorder = next
}

/** Begins a span. Whoever begins it ends it, on every path. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const { parent } = options
  if (parent === undefined || !isTraceparent(parent)) {
    if (recorder !== undefined && Math.random() < recorder.ratio) return recorder.start(name, undefined, options)
    return passOn(newUnsampledTraceparent())
  }
  if (recorder !== undefined && isSampled(parent)) return recorder.start(name, parent, options)
  return passOn(parent)
}

/** A span that is not recorded. It keeps the parent's id: no span of its own exists that a child could name. */
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
