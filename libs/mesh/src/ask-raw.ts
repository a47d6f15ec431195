/** Bytes to a subject, and what comes back: with none of what `bus.call` sees to, for trying what others may send. */
import { type NatsConnection, headers as newHeaders } from 'nats'

export interface RawAnswer {
  /** Of the answer's headers; set where it is a refusal. */
  readonly errorCode: string | undefined
  /** JSON. */
  readonly body: unknown
}

/** @throws where nobody answers within `timeoutMs`, or with what is no JSON */
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
