/**
 * Notifies the worker of a request that its caller has cancelled.
 *
 * A request goes to one member of a queue group, unknown to the caller: so all members are notified, with the inbox of
 * the answer, which nobody else knows. Only a cancellation needs a message; a deadline travels with the request.
 */
import type { NatsConnection } from 'nats'
import type { Outbox } from './outbox.ts'

export interface Cancellations {
  /** Listens for cancellations on the subject. */
  hear(subject: string): void
  /** Announces that nobody waits for the answer to `replyTo` any more. */
  tell(subject: string, replyTo: string): void
  /** A signal that aborts when the caller cancels, or after `timeoutMs`. */
  signalOf(replyTo: string | undefined, timeoutMs: number): AbortSignal
  /** The request is answered. */
  over(replyTo: string | undefined): void
}

const CANCELLED = 'cancelled'

export function openCancellations(nc: NatsConnection, outbox: Outbox): Cancellations {
  const running = new Map<string, AbortController>()
  const heard = new Set<string>()
  return {
    hear(subject) {
      if (heard.has(subject)) return
      heard.add(subject)
      nc.subscribe(`${CANCELLED}.${subject}`, {
        callback(error, msg) {
          if (error === null) running.get(msg.string())?.abort()
        },
      })
    },
    tell: (subject, replyTo) => outbox.send(`${CANCELLED}.${subject}`, replyTo),
    signalOf(replyTo, timeoutMs) {
      const late = AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)))
      if (!replyTo) return late
      const controller = new AbortController()
      running.set(replyTo, controller)
      return AbortSignal.any([controller.signal, late])
    },
    over(replyTo) {
      if (replyTo) running.delete(replyTo)
    },
  }
}
