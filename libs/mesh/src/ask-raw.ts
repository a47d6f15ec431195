/**
 * Sends bytes to a subject and returns the reply, without the checks of `bus.call`, to test what other clients may
 * send.
 */
import { type NatsConnection, headers as newHeaders } from 'nats'

export interface RawAnswer {
  /** From the answer's headers; set if it is a refusal. */
  readonly errorCode: string | undefined
  /** JSON. */
  readonly body: unknown
}

/** @throws if nobody answers within `timeoutMs`, or the answer is not JSON */
export async function askRaw(
  nc: NatsConnection,
  subject: string,
  bytes: Uint8Array,
  { headers, timeoutMs }: { headers: Readonly<Record<string, string>>; timeoutMs: number },
): Promise<RawAnswer> {
  const sent = newHeaders()
  for (const [name, value] of Object.entries(headers)) sent.set(name, value)
  const reply = await nc.request(subject, bytes, { timeout: timeoutMs, headers: sent })
  return { errorCode: reply.headers?.get('Nats-Service-Error-Code') || undefined, body: reply.json() }
}
