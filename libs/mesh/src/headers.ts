/** Headers of a message, which the client reads late and refuses by throwing: a line break in a value is one such. */
import { DeedError } from '@deed/proto/errors'
import type { MsgHdrs } from 'nats'

export interface Headed {
  readonly headers?: MsgHdrs | undefined
}

/** @throws {DeedError} `invalid_header` */
export function headersOf(msg: Headed): MsgHdrs | undefined {
  try {
    return msg.headers
  } catch (cause) {
    throw new DeedError('invalid_header', 'a header has a name or a value that none can have; send one line of text', {
      path: 'headers',
      cause,
    })
  }
}

/** The trace that a message belongs to. Headers that cannot be read name none. */
export function traceparentOf(msg: Headed): string | undefined {
  try {
    return msg.headers?.get('traceparent')
  } catch {
    return undefined
  }
}
