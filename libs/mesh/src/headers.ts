/** Headers of a message, which the client reads late and refuses by throwing: a line break in a value is one such. */
import { DeedError } from '@deed/proto/errors'
import type { MsgHdrs } from 'nats'

interface Message {
  readonly headers?: MsgHdrs | undefined
}

/** @throws {DeedError} `invalid_header` */
export function headersOf(msg: Message): MsgHdrs | undefined {
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
export function traceparentOf(msg: Message): string | undefined {
  try {
    return msg.headers?.get('traceparent')
  } catch {
    return undefined
  }
}
