/**
 * Pending requests: one inbox subscription, and a table of callers.
 *
 * An outcome is a value, not an exception, since a missing answer is an ordinary event.
 */
import { createInbox, type MsgHdrs, type NatsConnection } from 'nats'
import type { Outbox } from './outbox.ts'
import { isPublishAcknowledgement } from './publish-acknowledgement.ts'

export type RequestOutcome =
  | { outcome: 'reply'; data: Uint8Array; headers: MsgHdrs | undefined }
  | { outcome: 'nobody' }
  | { outcome: 'timeout' }
  | { outcome: 'cancelled' }

interface Pending {
  subject: string
  payload: string | Uint8Array
  headers: MsgHdrs
  repeatable: boolean
  /** Whether it was sent: without a connection it was not. */
  sent: boolean
  finish(outcome: RequestOutcome): void
}

export interface Requests {
  send(
    subject: string,
    payload: string | Uint8Array,
    headers: MsgHdrs,
    options: {
      timeoutMs: number
      signal: AbortSignal | undefined
      /** Send again after a reconnect. */
      repeatable: boolean
      /** Also send again without an answer after this time, in milliseconds; then after twice the time, and so on. */
      repeatAfterMs?: number | undefined
      /** Called when `signal` ends the wait, with the reply subject. */
      onCancelled(replyTo: string): void
    },
  ): Promise<RequestOutcome>
  /** The connection is lost: the client discards what is published from now on, so requests are held back. */
  hold(): void
  /**
   * The connection is back: sends what was held back, and repeats repeatable requests, since their answers may be lost.
   */
  resume(): void
}

/** No responders: an empty message with this status in its headers. */
const NO_RESPONDERS = 503

export function openRequests(nc: NatsConnection, inboxPrefix: string, outbox: Outbox): Requests {
  const inbox = createInbox(inboxPrefix)
  const pending = new Map<string, Pending>()
  let last = 0
  let connected = true

  const publish = (token: string, request: Pending): void => {
    if (!connected) return
    request.sent = true
    const { subject, payload, headers } = request
    outbox.send(subject, payload, { reply: `${inbox}.${token}`, headers })
  }

  nc.subscribe(`${inbox}.*`, {
    callback(error, msg) {
      if (error !== null) return
      const token = msg.subject.slice(inbox.length + 1)
      const waiting = pending.get(token)
      if (!waiting) return
      // The answer is still to come.
      if (isPublishAcknowledgement(msg.data)) return
      const headers = msg.headers
      const nobody = msg.data.length === 0 && headers?.code === NO_RESPONDERS
      waiting.finish(nobody ? { outcome: 'nobody' } : { outcome: 'reply', data: msg.data, headers })
    },
  })

  return {
    send(subject, payload, headers, { timeoutMs, signal, repeatable, repeatAfterMs, onCancelled }) {
      if (signal?.aborted) return Promise.resolve({ outcome: 'cancelled' })
      return new Promise((resolve) => {
        const token = (++last).toString(36)
        const finish = (outcome: RequestOutcome): void => {
          clearTimeout(timer)
          clearTimeout(silence)
          signal?.removeEventListener('abort', cancel)
          pending.delete(token)
          resolve(outcome)
        }
        const cancel = (): void => {
          finish({ outcome: 'cancelled' })
          onCancelled(`${inbox}.${token}`)
        }
        const timer = setTimeout(() => finish({ outcome: 'timeout' }), timeoutMs)
        signal?.addEventListener('abort', cancel)
        const request: Pending = { subject, payload, headers, repeatable, sent: false, finish }
        pending.set(token, request)
        let silence: NodeJS.Timeout | undefined
        const sayAgainAfter = (ms: number): void => {
          silence = setTimeout(() => {
            publish(token, request)
            sayAgainAfter(2 * ms)
          }, ms)
        }
        publish(token, request)
        if (repeatAfterMs !== undefined) sayAgainAfter(repeatAfterMs)
      })
    },
    hold() {
      connected = false
    },
    resume() {
      connected = true
      for (const [token, request] of pending) if (request.repeatable || !request.sent) publish(token, request)
    },
  }
}
