/**
 * What is sent to one live connection, within bounds: what a slow reader has not taken yet is kept up to a size, events
 * beyond it are dropped and counted, and rows wait for the reader. A reader that takes nothing for long is cut off.
 */
import { count } from '@deed/telemetry/metrics'
import type { WebSocket } from 'ws'
import { messageText } from './message-text.ts'

/** Unsent bytes of one connection beyond which events are dropped. One page of rows may come on top, of at most 1 MB. */
const UNSENT_BYTES_MAX = 262_144
const FLUSH_MS_MAX = 30_000
const AS_TEXT = { binary: false }

export interface Outlet {
  /** Whether something may be sent now and not later. */
  hasRoom(): boolean
  /** Sends a message with so many events, or drops and counts them. */
  sendEvents(message: Buffer, events: number): void
  /** Resolves once the connection took it: one at a time, in order. @throws once the connection is closed */
  sendRows(text: string): Promise<void>
  /** Says how many events were dropped, if there is room for that now. @param more that the reader lacks besides */
  sayDropped(more?: number): void
}

/** @param cutOff ends the connection of a reader that takes nothing */
export function openOutlet(
  socket: Pick<WebSocket, 'send' | 'bufferedAmount' | 'readyState' | 'OPEN'>,
  cutOff: () => void,
): Outlet {
  let dropped = 0
  let last: Promise<void> = Promise.resolve()
  const hasRoom = (): boolean => socket.readyState === socket.OPEN && socket.bufferedAmount < UNSENT_BYTES_MAX
  const sayDropped = (more = 0): void => {
    dropped += more
    if (dropped === 0 || !hasRoom()) return
    socket.send(messageText({ type: 'dropped', count: dropped }))
    dropped = 0
  }
  const flush = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(cutOff, FLUSH_MS_MAX)
      socket.send(text, (error) => {
        clearTimeout(late)
        if (error) reject(error)
        else resolve()
      })
    })
  return {
    hasRoom,
    sendEvents(message, events) {
      sayDropped()
      // Said as soon as the reader has taken what came before.
      if (hasRoom()) return socket.send(message, AS_TEXT, () => sayDropped())
      dropped += events
      count('deed_console_dropped_events_total', {}, events)
    },
    sendRows(text) {
      const sent = last.then(() => flush(text))
      last = sent.catch(() => undefined)
      return sent
    },
    sayDropped,
  }
}
