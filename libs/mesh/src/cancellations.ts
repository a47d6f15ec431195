/**
 * Telling whoever works on a request that its caller has given up.
 *
 * A request goes to one member of a queue group, and the caller does not know to which: so all of them are told, by
 * the inbox of the answer, which nobody else knows. That happens only when a caller gives up; a deadline needs no
 * message, since it travels with the request.
 */
import type { NatsConnection } from 'nats'
import type { Outbox } from './outbox.ts'

export interface Cancellations {
  /** Listens for callers of the subject that give up. */
  hear(subject: string): void
  /** Says that the answer that would have come to `replyTo` is not waited for any more. */
  tell(subject: string, replyTo: string): void
  /** A signal that is aborted when the caller gives up, or after `timeoutMs`. */
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
