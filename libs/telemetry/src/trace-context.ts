/**
 * The W3C trace context of a piece of work: its trace, and whether that trace is recorded.
 *
 * Every execution has one, with or without the tracing SDK, and it is created and parsed on every hop, so it avoids the
 * SDK and calls the operating system's random number generator as rarely as possible.
 *
 * @see https://www.w3.org/TR/trace-context/ for the header `traceparent`
 */
import { randomFillSync } from 'node:crypto'

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
  return { traceId: traceIdOf(header), spanId: header.slice(36, 52), sampled: isSampled(header) }
}

/** The `traceparent` header, in version 00. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/** The header of a new trace that is not recorded. */
export function newUnsampledTraceparent(): string {
  const ids = randomHex()
  return `00-${ids.slice(0, TRACE_ID_CHARS)}-${ids.slice(TRACE_ID_CHARS)}-00`
}

/** Whether `traceIdOf` and `isSampled` may read the header at fixed positions. */
export function isTraceparent(header: string): boolean {
  return TRACEPARENT.test(header)
}

/** The trace id of a header that `isTraceparent` accepts. */
export function traceIdOf(header: string): string {
  return header.slice(3, 35)
}

/** The sampled flag of a header that `isTraceparent` accepts: the lowest bit of the flags. */
export function isSampled(header: string): boolean {
  const digit = header.charCodeAt(54)
  // '0' to '9' are 48 to 57 and 'a' to 'f' are 97 to 102.
  return ((digit <= 57 ? digit : digit - 87) & 1) === 1
}

const TRACE_ID_CHARS = 32

// Version ff and ids of zeros are forbidden; only a later version may have more after the flags.
const TRACEPARENT =
  /^(?:00(?=.{53}$)|(?!00|ff)[0-9a-f]{2}(?=.{53}(?:-|$)))-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/

/** Bytes for one trace id and one span id. An id of zeros is practically impossible. */
const IDS_BYTES = 24
// A call into the random number generator takes a microsecond for any length, so one call serves many ids.
const pool = Buffer.allocUnsafe(IDS_BYTES * 256)
let used = pool.length

/** 48 hex digits. */
function randomHex(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const hex = pool.toString('hex', used, used + IDS_BYTES)
  used += IDS_BYTES
  return hex
}
