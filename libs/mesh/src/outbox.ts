/**
 * Collects a process's messages, and writes them to the socket once per turn of the event loop.
 *
 * The client writes in the microtask after each publish. Under load that is one system call per message, and system
 * calls dominate the cost of a busy service. A frequent writer pauses briefly between writes, so that its readers, too,
 * are woken once for several messages.
 */
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import type { NatsConnection, PublishOptions } from 'nats'

export interface Outbox {
  /** @throws {DeedError} `payload_too_large` if the server would refuse it */
  send(subject: string, payload: string | Uint8Array, options?: PublishOptions): void
  /** Runs a publish of the client itself, at the same moment as the others. */
  say(words: () => void): void
  /** Writes what is queued. */
  flush(): void
}

/** More writes than this within this many milliseconds count as frequent; messages are then gathered for a moment. */
const OFTEN_WRITES = 5
const OFTEN_MS = 4
const GATHER_MS = 1

export function openOutbox(nc: NatsConnection, log: Log): Outbox {
  let waiting: (() => void)[] = []
  const bytesMax = nc.info?.max_payload ?? Number.POSITIVE_INFINITY

  /** The times of the latest writes, oldest first. */
  const writtenAt: number[] = new Array(OFTEN_WRITES).fill(Number.NEGATIVE_INFINITY)

  const flush = (): void => {
    const words = waiting
    waiting = []
    writtenAt.shift()
    writtenAt.push(performance.now())
    for (const say of words) {
      try {
        say()
      } catch (error) {
        // The connection was closed meanwhile; nobody would receive it.
        log.warn({ err: error }, 'message not sent')
      }
    }
  }

  const say = (words: () => void): void => {
    waiting.push(words)
    if (waiting.length > 1) return
    if (performance.now() - writtenAt[0]! < OFTEN_MS) setTimeout(flush, GATHER_MS)
    else setImmediate(flush)
  }

  return {
    send(subject, payload, options) {
      // A UTF-16 unit takes at most three bytes. Bytes have come in a message.
      if (typeof payload === 'string' && payload.length * 3 > bytesMax && Buffer.byteLength(payload) > bytesMax) {
        throw new DeedError(
          'payload_too_large',
          `the message for ${subject} is larger than ${bytesMax} bytes; send less`,
        )
      }
      say(() => nc.publish(subject, payload, options))
    },
    say,
    flush,
  }
}
