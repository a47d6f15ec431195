/** What the mesh reports while it happens: one WebSocket for the tab, opened again whenever it breaks. */
import type { Alert } from '@deed/proto/alert'
import type { Heard, LiveEvent, LiveMessage } from '@deed/proto/console'
import { type ReadonlySignal, signal } from '@preact/signals'
import { openSocket } from './live-socket.ts'
import { openWatches, type Rows } from './live-watches.ts'

export type ExecutionEvent = LiveEvent

/** stale: what the page shows may have changed since that time, in milliseconds since 1970. */
export type Connection = { state: 'live' } | { state: 'reconnecting' } | { state: 'stale'; since: number }

export interface LiveListener {
  events?: (events: readonly ExecutionEvent[]) => void
  /** Events of tasks are among them. */
  tasks?: boolean
  alert?: (alert: Alert) => void
  /** Something happened in the organization. */
  organization?: () => void
  /** Events were missed: read the lists again. */
  missed?: () => void
}

export interface Live {
  readonly connection: ReadonlySignal<Connection>
  /** Connects, and stays connected until it is closed. */
  open(): void
  /** @returns the function that stops it */
  listen(listener: LiveListener): () => void
  /**
   * Rows of one execution after `after`, each once and in order, over any break of the connection.
   * @returns the function that stops it
   */
  watch(executionId: string, after: number, onRows: (rows: Rows) => void): () => void
  /** A page that nobody sees hears of what waits for a person alone; once it is seen again it is told whether it missed something. */
  see(visible: boolean): void
  close(): void
}

/** The server says something every 15 s; after this silence the connection counts as broken. */
const SILENCE_MS = 40_000
const RETRY_MS = 500

/**
 * Not open yet.
 *
 * @param retryMs the first wait before the connection is opened again; it doubles up to 15 s, with jitter
 * @param onSignedOut the session has ended; the connection stays closed
 */
export function openLive(
  url: string,
  { retryMs = RETRY_MS, silenceMs = SILENCE_MS, onSignedOut = () => {} } = {},
): Live {
  const connection = signal<Connection>({ state: 'reconnecting' })
  const listeners = new Set<LiveListener>()
  let greeted = false
  let visible = true
  let heard: Heard = 'everything'
  let meshAway: number | undefined

  const socket = openSocket(url, {
    ...{ retryMs, silenceMs, onSignedOut, onMessage: take },
    onBroken(again, heardAt) {
      const stale = again || meshAway !== undefined
      connection.value = stale ? { state: 'stale', since: meshAway ?? heardAt } : { state: 'reconnecting' }
    },
  })
  const watches = openWatches(socket.tell)

  const hear = (): void => {
    const tasks = [...listeners].some((listener) => listener.tasks)
    const wanted = !visible ? 'inbox' : tasks ? 'everything' : 'executions'
    if (wanted !== heard) socket.tell({ type: 'hear', what: wanted })
    heard = wanted
  }
  const report = (name: Exclude<keyof LiveListener, 'tasks'>, value?: unknown): void => {
    for (const listener of [...listeners]) (listener[name] as ((value?: unknown) => void) | undefined)?.(value)
  }
  const showState = (): void => {
    connection.value = meshAway === undefined ? { state: 'live' } : { state: 'stale', since: meshAway }
  }

  function take(message: LiveMessage): void {
    switch (message.type) {
      case 'hello':
        showState()
        heard = 'everything'
        hear()
        watches.resume()
        if (greeted) report('missed')
        greeted = true
        return
      case 'events':
        return report('events', message.events)
      case 'alert':
        return report('alert', message.alert)
      case 'organization':
        return report('organization')
      case 'rows':
      case 'unwatched':
        return watches.take(message)
      case 'mesh':
        meshAway = message.connected ? undefined : Date.parse(message.since)
        showState()
        if (message.connected) {
          watches.resume()
          report('missed')
        }
        return
      case 'dropped':
        return report('missed')
    }
  }

  return {
    connection,
    open: socket.open,
    listen(listener) {
      listeners.add(listener)
      hear()
      return () => {
        listeners.delete(listener)
        hear()
      }
    },
    watch: watches.watch,
    see(now) {
      visible = now
      hear()
    },
    close: socket.close,
  }
}
