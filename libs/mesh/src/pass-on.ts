/**
 * Requests that one replica of a service passes on to the one that takes all of them, which answers the caller itself.
 *
 * Who takes it says nothing, since the caller is answered. Where that replica is gone, the one that received it takes it.
 */
import { type Msg, type MsgHdrs, headers as newHeaders } from 'nats'
import { ANSWER_TO_HEADER, type Headed, headersOf } from './headers.ts'
import type { Requests } from './requests.ts'

/** The server says within this time that a replica is gone. */
const GONE_MS = 1_000

/** What a handler needs of a message. */
export interface Received extends Headed {
  readonly subject: string
  readonly data: Uint8Array
  /** Where its answer goes. */
  readonly reply?: string | undefined
}

/**
 * Has a request taken by another instance, or here.
 *
 * @param other undefined: here
 */
export async function passOn(
  requests: Requests,
  msg: Msg,
  other: string | undefined,
  take: (msg: Received) => Promise<void>,
): Promise<void> {
  const headers = other === undefined ? undefined : answeredTo(msg)
  // A header that is to be refused is refused here.
  if (other === undefined || headers === undefined) return take(msg)
  const options = { timeoutMs: GONE_MS, signal: undefined, repeatable: false, onCancelled: () => undefined }
  const { outcome } = await requests.send(`${msg.subject}.${other}`, msg.data, headers, options)
  if (outcome !== 'timeout') await take(msg)
}

function answeredTo(msg: Msg): MsgHdrs | undefined {
  try {
    const headers = newHeaders()
    for (const [name, values] of headersOf(msg) ?? []) for (const value of values) headers.append(name, value)
    // A caller cannot say where another one is answered.
    headers.delete(ANSWER_TO_HEADER)
    if (msg.reply) headers.set(ANSWER_TO_HEADER, msg.reply)
    return headers
  } catch {
    return undefined
  }
}

/** A request that was sent to this instance alone, by its caller or by another replica. */
export function passedOn(msg: Msg): Received {
  try {
    const { subject, data, headers, reply } = msg
    return { subject, data, headers, reply: headers?.get(ANSWER_TO_HEADER) || reply }
  } catch {
    return msg
  }
}
