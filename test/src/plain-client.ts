/** What anybody can do with the `nats` package alone: send bytes to a subject, and look at what comes back. */

import type { Connection } from '@deed/local/local-mesh'
import { defined } from '@deed/proto/json'
import { connect, type MsgHdrs, type NatsConnection, headers as newHeaders } from 'nats'

export interface Answer {
  /** Of the reply's headers: set where it is a refusal. */
  readonly errorCode: string | undefined
  /** JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer is looked at, field by field, as a caller in any language would
  readonly body: any
}

export interface PlainClient extends AsyncDisposable {
  readonly nc: NatsConnection
  /** A value is sent as its JSON. */
  ask(subject: string, payload: unknown, headers?: Record<string, string>): Promise<Answer>
}

const ANSWER_MS_MAX = 60_000

/** @param inboxPrefix where the user may read its answers, if not below the usual one */
export async function plainClient(
  { nats_url, nats_user, nats_password }: Pick<Connection, 'nats_url' | 'nats_user' | 'nats_password'>,
  inboxPrefix?: string,
): Promise<PlainClient> {
  const nc = await connect({
    servers: nats_url,
    ...defined({ user: nats_user, pass: nats_password, inboxPrefix }),
  })
  return {
    nc,
    async ask(subject, payload, headers) {
      const bytes = payload instanceof Uint8Array || typeof payload === 'string' ? payload : JSON.stringify(payload)
      const reply = await nc.request(subject, bytes, {
        timeout: ANSWER_MS_MAX,
        ...(headers === undefined ? {} : { headers: headersFrom(headers) }),
      })
      return { errorCode: reply.headers?.get('Nats-Service-Error-Code') || undefined, body: reply.json() }
    },
    async [Symbol.asyncDispose]() {
      await nc.close()
    },
  }
}

function headersFrom(values: Record<string, string>): MsgHdrs {
  const headers = newHeaders()
  for (const [name, value] of Object.entries(values)) headers.set(name, value)
  return headers
}
