/**
 * The headers of a message, which the client parses lazily and refuses by throwing, for example for a line break in a
 * value.
 */
import { DeedError } from '@deed/proto/errors'
import type { MsgHdrs } from 'nats'

/** How long the caller still waits, in milliseconds since it sent the message. */
export const TIMEOUT_HEADER = 'Deed-Timeout-Ms'
export const TRACEPARENT = 'traceparent'

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

/** The trace of a message. Unreadable headers have none. */
export function traceparentOf(msg: Headed): string | undefined {
  try {
    return msg.headers?.get(TRACEPARENT)
  } catch {
    return undefined
  }
}
