/**
 * What this process has to say, written to the socket once in a turn of the event loop.
 *
 * The client writes in the microtask after each publish. Under load that is a system call a message, and
 * the calls, not the messages, are what a busy service spends its time on. Whoever writes often waits a
 * moment before it does again, so that its readers, too, are woken once for several messages.
 */
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import type { NatsConnection, PublishOptions } from 'nats'

export interface Outbox {
  /** @throws {DeedError} `payload_too_large` for what the server would not take */
  send(subject: string, payload: string, options?: PublishOptions): void
  /** Says something that only the client can say, at the same moment as the rest. */
  say(words: () => void): void
  /** Writes what waits. */
  flush(): void
}

/** So many writes within so many milliseconds is writing often; then messages are gathered for a while. */
const OFTEN_WRITES = 5
const OFTEN_MS = 4
const GATHER_MS = 1

export function openOutbox(nc: NatsConnection, log: Log): Outbox {
  let waiting: (() => void)[] = []
  const bytesMax = nc.info?.max_payload ?? Number.POSITIVE_INFINITY

  /** When it was last written, the oldest first. */
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
        // The connection was closed meanwhile; nobody would hear it.
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
      // A UTF-16 unit is at most three bytes.
      if (payload.length * 3 > bytesMax && Buffer.byteLength(payload) > bytesMax) {
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
