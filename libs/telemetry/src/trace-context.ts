/**
 * The W3C trace context of a piece of work: its trace, and whether that trace is recorded.
 *
 * Every execution has one, with or without the tracing SDK, and it is created and parsed on every hop, so it avoids the
 * SDK and calls the operating system's random number generator as rarely as possible.
 *
 * @see https://www.w3.org/TR/trace-context/ for the header `traceparent`
 */
import { hash, randomFillSync } from 'node:crypto'

/**
 * How services pass the context of an execution to each other: its `traceparent`, then `;` and the execution's id once
 * it is known. On the bus the id travels in the header `baggage`.
 */
export type Trace = string

export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits; the span that caused this work. */
  readonly spanId: string
  /** Whether the spans of this trace are recorded; decided once, at the root. */
  readonly sampled: boolean
}

/**
 * Parses the `traceparent` header.
 *
 * A later version is parsed as far as version 00 goes, as the standard requires.
 *
 * @returns `undefined` for an absent or malformed header: the caller then begins a trace, which is not an error
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || !isTraceparent(header)) return undefined
  return { traceId: traceIdOf(header), spanId: spanIdIn(header), sampled: isSampled(header) }
}

/** The `traceparent` header of a trace, without the execution. */
export function traceparentIn(trace: Trace): string {
  return trace.charCodeAt(TRACEPARENT_CHARS) === SEMICOLON ? trace.slice(0, TRACEPARENT_CHARS) : trace
}

/** The id of the span that a trace names, where it is well-formed. */
export const spanIdIn = (trace: Trace): string => trace.slice(36, 52)

/** The execution that a trace names; undefined if it names none. */
export function executionIn(trace: Trace): string | undefined {
  return trace.charCodeAt(TRACEPARENT_CHARS) === SEMICOLON ? trace.slice(TRACEPARENT_CHARS + 1) : undefined
}

/** The same trace, as one of an execution. What is not traced stays so. */
export function traceOf(traceparent: string, executionId: string | undefined): Trace {
  return executionId === undefined || traceparent === '' ? traceparent : `${traceparentIn(traceparent)};${executionId}`
}

/**
 * The id of a span that several processes must know without telling each other: of the n-th delivery of a message, or
 * the n-th attempt at a task. 16 hex digits.
 *
 * @param of what is delivered or attempted
 */
export function derivedSpanId(of: string, count: number): string {
  return hash('sha256', `${of}/${count}`).slice(0, SPAN_ID_CHARS)
}

/** The `traceparent` header, in version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** 32 hex digits. */
export const newTraceId = (): string => randomHex(TRACE_ID_CHARS)

/** 16 hex digits. */
export const newSpanId = (): string => randomHex(SPAN_ID_CHARS)

/** Of a message this is asked several times, one after the other. */
let accepted: string | undefined

/** Whether `traceIdOf` and `isSampled` may read the header at fixed positions. */
export function isTraceparent(header: string): boolean {
  if (header === accepted) return true
  if (!TRACEPARENT.test(header)) return false
  accepted = header
  return true
}

/** The trace id of a header that `isTraceparent` accepts. */
export function traceIdOf(header: string): string {
  return header.slice(3, 35)
}

/** What a log line says of the work that has this header: its trace, and its span where spans are recorded. */
export function loggedTrace(header: string): { trace_id: string; span_id?: string } {
  const trace_id = traceIdOf(header)
  return isSampled(header) ? { trace_id, span_id: spanIdIn(header) } : { trace_id }
}

/** The sampled flag of a header that `isTraceparent` accepts: the lowest bit of the flags. */
export function isSampled(header: string): boolean {
  const digit = header.charCodeAt(54)
  // '0' to '9' are 48 to 57 and 'a' to 'f' are 97 to 102.
  return ((digit <= 57 ? digit : digit - 87) & 1) === 1
}

const TRACE_ID_CHARS = 32
const SPAN_ID_CHARS = 16
const TRACEPARENT_CHARS = 55
const SEMICOLON = 59

// Version ff and ids of zeros are forbidden; only a later version may have more after the flags.
const TRACEPARENT =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2}(?=.{53}(?:-|$)))-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/

// A call into the random number generator takes a microsecond for any length, so one call serves many ids.
const pool = Buffer.allocUnsafe(4096)
let used = pool.length

/** An id of zeros is practically impossible. */
function randomHex(chars: number): string {
  const bytes = chars / 2
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
