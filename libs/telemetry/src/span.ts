/**
 * Spans: what a process did, when, and for which execution.
 *
 * Every span is an object of this file, with or without a collector. The last ones stay in memory (`span-store.ts`), so
 * that `deed trace` works without one; with one, they are also exported (`recorder.ts`, which loads OpenTelemetry). The
 * parent is an argument; only statements of a database and requests to the world, which are made deep inside, take it
 * from the asynchronous context.
 *
 * The spans of a process leave it together with the first of them that another process caused: a process that is killed
 * takes parent and children with it, and leaves no orphan.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE, EXECUTION_ID } from './names.ts'
import { openSpanStore, type Stored } from './span-store.ts'
import {
  executionIn,
  formatTraceparent,
  newSpanId,
  newTraceId,
  parseTraceparent,
  spanIdIn,
  type Trace,
  traceOf,
  traceparentIn,
} from './trace-context.ts'

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'
export type SpanAttribute = string | number | boolean | string[]
export type SpanAttributes = Readonly<Record<string, SpanAttribute>>

export interface SpanOptions {
  /** The trace of the cause of this work. Without one, or if it is malformed, the span is a root. */
  readonly parent?: Trace | undefined
  /**
   * Whose work it is, in a process that several services share; elsewhere OTEL_SERVICE_NAME names it. Default: whose its
   * parent is.
   */
  readonly service?: string | undefined
  /** Default `internal`. */
  readonly kind?: SpanKind
  readonly attributes?: SpanAttributes
  /** Work that it belongs to, besides its parent. */
  readonly links?: readonly SpanLink[]
  /** When it began, in milliseconds since 1970. Default: now. */
  readonly startMs?: number | undefined
  /** 16 hex digits. Default: a random id. */
  readonly spanId?: string | undefined
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes?: SpanAttributes
}

export interface SpanEvent {
  readonly name: string
  /** In milliseconds since 1970. */
  readonly at: number
  readonly attributes: SpanAttributes
}

/** A span that no process holds open: it is stored with its work, and ended by the process that ends the work. */
export interface OpenSpan {
  readonly name: string
  readonly kind: SpanKind
  /** In milliseconds since 1970. */
  readonly start_ms: number
  readonly parent_id: string | null
  readonly attributes: SpanAttributes
  readonly links: readonly SpanLink[]
}

export interface Span {
  /** 32 hex digits, the same for every span of a trace. */
  readonly traceId: string
  readonly spanId: string
  /** What calls that this work makes pass on. */
  readonly trace: Trace
  setAttribute(key: string, value: SpanAttribute): void
  /** Text is cut to 1,024 characters. At most 32 events. */
  addEvent(name: string, attributes?: SpanAttributes): void
  addLink(link: SpanLink): void
  /** From here on it, and what it calls, belong to the execution. */
  setExecution(executionId: string): void
  /** Marks the work as failed, with the name or code of the error. The span must still be ended. */
  fail(error: unknown): void
  /** Runs `work` so that `activeSpans` finds this span. */
  run<T>(work: () => T): T
  /** Ends the span; later calls on it are ignored. */
  end(): void
  /** What `endOpenSpan` needs. */
  open(): OpenSpan
  /** This process will not end it. */
  leaveOpen(): void
}

/** Exports spans: OpenTelemetry, loaded by the preload. */
export interface Recorder {
  /** The sampling ratio of new traces, 0 to 1. */
  readonly ratio: number
  /** Must not throw, and must not wait. */
  export(span: RecordedSpan): void
  /** Exports the spans that were not exported yet. */
  shutdown(): Promise<void>
}

/** Undefined without a collector. */
export let recorder: Recorder | undefined

/** Replaces the recorder; `undefined` ends the export. */
export function installRecorder(next: Recorder | undefined): void {
  recorder = next
}

/** Starts a span. The caller must end it on every path. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const span = new RecordedSpan(name, options)
  openSpans.set(span.spanId, span)
  return span
}

/** Runs `work` in a span, which fails if it throws. */
export async function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  const span = startSpan(name, options)
  try {
    return await span.run(() => work(span))
  } catch (error) {
    span.fail(error)
    throw error
  } finally {
    span.end()
  }
}

/** The same as a child of what the current work is done for; where that has no span, without one. */
export const inChildSpan = <T>(
  name: string,
  options: Omit<SpanOptions, 'parent'>,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> => {
  const [above] = activeSpans()
  return above === undefined ? work(undefined) : inSpan(name, { ...options, parent: above.trace }, work)
}

/**
 * The spans that the current work is done for: none, one, or for a statement that serves several all of theirs. What
 * continues after a span has ended is not a part of it.
 */
export const activeSpans = (): readonly Span[] => (active.getStore() ?? []).filter(({ endMs }) => endMs === undefined)

/** Runs `work` for all of the spans, as `activeSpans` said them. */
export const runFor = <T>(spans: readonly Span[], work: () => T): T => active.run(spans as RecordedSpan[], work)

/** Records a span of which both ends are known. */
export function recordSpan(
  name: string,
  { endMs = nowMs(), error, ...options }: SpanOptions & { endMs?: number; error?: unknown },
): void {
  const span = new RecordedSpan(name, options)
  if (error !== undefined) span.fail(error)
  span.endAt(Math.max(span.startMs, endMs))
}

/**
 * Ends a span that was left open, perhaps by another process.
 *
 * @param trace its own
 */
export function endOpenSpan(
  trace: Trace,
  { name, kind, start_ms: startMs, parent_id, attributes, links }: OpenSpan,
  ending: { attributes: SpanAttributes; error?: unknown; endMs?: number },
): void {
  const own = parseTraceparent(traceparentIn(trace))
  if (own === undefined) return
  const parent = traceOf(formatTraceparent({ ...own, spanId: parent_id ?? NO_PARENT }), executionIn(trace))
  recordSpan(name, {
    ...ending,
    ...{ parent, kind, links, startMs, spanId: own.spanId },
    attributes: { ...attributes, ...ending.attributes },
  })
}

/** What this process still has of a trace. */
export const spansOf = (traceId: string): Stored<RecordedSpan> => store.of(traceId)

/** Exports a trace that was not sampled: the spans that are still here, and those to come. */
export function keepTrace(traceId: string): void {
  if (recorder === undefined || !store.choose(traceId)) return
  for (const span of store.of(traceId).spans) if (!span.sampled) recorder.export(span)
}

/** The link to the span that a trace names; undefined if it names none. */
export function linkTo(trace: Trace | undefined, attributes: SpanAttributes): SpanLink | undefined {
  const context = parseTraceparent(trace === undefined ? undefined : traceparentIn(trace))
  return context && { traceId: context.traceId, spanId: context.spanId, attributes }
}

/** The time in milliseconds since 1970, with microseconds; a clock that was set is followed. */
export function nowMs(): number {
  const sinceStart = performance.now()
  const drift = Date.now() - sinceStart - offsetMs
  if (drift > DRIFT_MS_MAX || drift < -DRIFT_MS_MAX) offsetMs += drift
  return offsetMs + sinceStart
}

const DRIFT_MS_MAX = 50
let offsetMs = performance.timeOrigin

/** Instead of a parent, where only the trace is known. */
const NO_PARENT = 'ffffffffffffffff'
const EVENTS_MAX = 32
const LINKS_MAX = 32
const TEXT_CHARS_MAX = 1_024

const active = new AsyncLocalStorage<readonly RecordedSpan[]>()
const store = openSpanStore<RecordedSpan>()
/** Started and not ended, by their ids. */
const openSpans = new Map<string, RecordedSpan>()

export class RecordedSpan implements Span {
  readonly name: string
  readonly kind: SpanKind
  readonly service: string | undefined
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | undefined
  readonly sampled: boolean
  readonly startMs: number
  endMs: number | undefined
  executionId: string | undefined
  failed = false
  /** Why it failed. */
  message: string | undefined
  readonly events: SpanEvent[] = []
  readonly links: SpanLink[]
  readonly #given: SpanAttributes | undefined
  #own: Record<string, SpanAttribute> | undefined
  #trace: Trace | undefined
  /** The first span of this process in this work; itself, if another process caused it. */
  readonly #first: RecordedSpan
  /** Of `#first`: what has ended before it. */
  #ended: RecordedSpan[] | undefined

  constructor(
    name: string,
    { parent, service, kind = 'internal', attributes, links = [], startMs, spanId }: SpanOptions,
  ) {
    const open = parent === undefined ? undefined : openSpans.get(spanIdIn(parent))
    // What this process has said itself need not be parsed.
    const cause =
      parent === undefined ? undefined : open?.trace === parent ? open : parseTraceparent(traceparentIn(parent))
    const above = cause?.spanId === open?.spanId ? open : undefined
    this.name = name
    this.kind = kind
    this.traceId = cause?.traceId ?? newTraceId()
    this.spanId = spanId ?? newSpanId()
    this.parentId = cause?.spanId === NO_PARENT ? undefined : cause?.spanId
    this.sampled = cause?.sampled ?? (recorder !== undefined && Math.random() < recorder.ratio)
    this.executionId = cause === undefined ? undefined : executionIn(parent ?? '')
    this.startMs = startMs ?? nowMs()
    this.links = [...links]
    this.#given = attributes
    this.#first = above?.traceId === this.traceId ? above.#first : this
    this.service = service ?? above?.service
  }

  get trace(): Trace {
    this.#trace ??= traceOf(formatTraceparent(this), this.executionId)
    return this.#trace
  }

  get attributes(): SpanAttributes {
    const attributes: Record<string, SpanAttribute> = { ...this.#given, ...this.#own }
    if (this.executionId !== undefined) attributes[EXECUTION_ID] = this.executionId
    return attributes
  }

  setAttribute(key: string, value: SpanAttribute): void {
    this.#own ??= {}
    this.#own[key] = value
  }

  addEvent(name: string, attributes: SpanAttributes = {}): void {
    if (this.endMs !== undefined || this.events.length >= EVENTS_MAX) return
    const bounded = Object.entries(attributes).map(([key, value]) => [key, bound(value)])
    this.events.push({ name, at: nowMs(), attributes: Object.fromEntries(bounded) })
  }

  addLink(link: SpanLink): void {
    if (this.links.length < LINKS_MAX) this.links.push(link)
  }

  setExecution(executionId: string): void {
    this.executionId = executionId
    this.#trace = undefined
  }

  fail(error: unknown): void {
    if (this.endMs !== undefined) return
    const message = messageOf(error).slice(0, TEXT_CHARS_MAX)
    const type = errorType(error)
    this.failed = true
    this.message = message
    this.setAttribute(ERROR_TYPE, type)
    this.addEvent('exception', { [EXCEPTION_TYPE]: type, [EXCEPTION_MESSAGE]: message })
  }

  run<T>(work: () => T): T {
    return active.run([this], work)
  }

  end(): void {
    this.endAt(nowMs())
  }

  /** @param endMs in milliseconds since 1970 */
  endAt(endMs: number): void {
    if (this.endMs !== undefined) return
    this.endMs = endMs
    openSpans.delete(this.spanId)
    const first = this.#first
    if (first !== this && first.endMs === undefined && openSpans.has(first.spanId)) {
      first.#ended ??= []
      first.#ended.push(this)
      return
    }
    finish(this)
    this.#release()
  }

  open(): OpenSpan {
    const { name, kind, startMs, parentId, links } = this
    return { name, kind, start_ms: startMs, parent_id: parentId ?? null, attributes: { ...this.#given }, links }
  }

  leaveOpen(): void {
    if (this.endMs !== undefined) return
    openSpans.delete(this.spanId)
    this.endMs = this.startMs
    this.#release()
  }

  #release(): void {
    const ended = this.#ended
    this.#ended = undefined
    for (const span of ended ?? []) {
      // It may have become known after the span had begun.
      if (span.executionId === undefined && this.executionId !== undefined) span.setExecution(this.executionId)
      finish(span)
    }
  }
}

/** It can be read, and is exported if its trace is. */
function finish(span: RecordedSpan): void {
  store.add(span)
  if (recorder !== undefined && (span.sampled || store.isChosen(span.traceId))) recorder.export(span)
}

const bound = (value: SpanAttribute): SpanAttribute =>
  typeof value === 'string' ? value.slice(0, TEXT_CHARS_MAX).toWellFormed() : value

/** An error of the wire, too, is an error. */
function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return String(error)
}

/**
 * A low-cardinality name, as the semantic conventions require: the code of a DeedError or a system error, else the
 * class.
 */
function errorType(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '_OTHER'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : '_OTHER'
}
