/**
 * The headers of a message, which the client parses lazily and refuses by throwing, for example for a line break in a
 * value.
 */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import { EXECUTION_ID } from '@deed/telemetry/names'
import { executionIn, isTraceparent, type Trace, traceOf, traceparentIn } from '@deed/telemetry/trace-context'
import { type MsgHdrs, headers as newHeaders } from 'nats'

/** How long the caller still waits, in milliseconds since it sent the message. */
export const TIMEOUT_HEADER = 'Deed-Timeout-Ms'
/** The instance that sent the message. */
export const FROM_HEADER = 'Deed-From'
/** Where the answer to a request goes that another replica passes on. */
export const ANSWER_TO_HEADER = 'Deed-Answer-To'
const TRACEPARENT = 'traceparent'
/** The standard's header for what travels with a trace: here the execution that it belongs to. */
const BAGGAGE = 'baggage'
const EXECUTION = /(?:^|,)\s*deed\.execution\.id=([0-9a-f-]{36})\s*(?:,|;|$)/

export interface Headed {
  readonly headers?: MsgHdrs | undefined
}

/** @throws {DeedError} `invalid_header` */
export function headersOf(msg: Headed): MsgHdrs | undefined {
  try {
    return msg.headers
  } catch (cause) {
    throw new DeedError('invalid_header', 'a header has an invalid name or value; send one line of text', {
      path: 'headers',
      cause,
    })
  }
}

/** Sets the headers from which `traceIn` reads a trace. */
export function setTrace(headers: MsgHdrs, trace: Trace): void {
  headers.set(TRACEPARENT, traceparentIn(trace))
  const executionId = executionIn(trace)
  if (executionId !== undefined) headers.set(BAGGAGE, `${EXECUTION_ID}=${executionId}`)
}

/** The trace of a message; undefined without one, or with a malformed one. */
export function traceIn(msg: Headed): Trace | undefined {
  try {
    const traceparent = msg.headers?.get(TRACEPARENT)
    if (traceparent === undefined || !isTraceparent(traceparent)) return undefined
    return traceOf(traceparent, EXECUTION.exec(msg.headers?.get(BAGGAGE) ?? '')?.[1])
  } catch {
    return undefined
  }
}

/** Of an answer that is a failure. */
export function errorHeaders(body: ErrorBody): MsgHdrs {
  const headers = newHeaders()
  headers.set('Nats-Service-Error-Code', body.code === 'internal' ? '500' : body.retryable ? '503' : '400')
  // Headers are one line of ASCII; the body has the sentence.
  headers.set('Nats-Service-Error', body.code)
  return headers
}
