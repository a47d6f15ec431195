/** What the mesh reports while it happens: one WebSocket for the tab, opened again whenever it breaks. */
import type { Alert } from '@deed/proto/alert'
import type { Heard, LiveEvent, LiveMessage } from '@deed/proto/console'
import type { AuditRow, watchExecution } from '@deed/proto/execution'
import { type ReadonlySignal, signal } from '@preact/signals'
import type { z } from 'zod'

export type ExecutionEvent = LiveEvent
export type WatchedExecution = z.output<typeof watchExecution.output>['executions'][number]

/** stale: what the page shows may have changed since that time, in milliseconds since 1970. */
export type Connection = { state: 'live' } | { state: 'reconnecting' } | { state: 'stale'; since: number }

export interface Rows {
  execution_id: string
  rows: AuditRow[]
  last_seq: number
  execution?: WatchedExecution
  /** The console stopped watching, and says why. */
  error?: { code: string; message: string }
}

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

interface Watched {
  last: number
  readonly listeners: Set<(rows: Rows) => void>
}

/** The server says something every 15 s; after this silence the connection counts as broken. */
const SILENCE_MS = 40_000
const RETRY_MS = 500
/** The code with which the server ends the connections of a session that has ended. */
const SIGNED_OUT = 4401
const RETRY_MS_MAX = 15_000

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
  const watches = new Map<string, Watched>()
  let socket: WebSocket | undefined
  let closed = true
  let failures = 0
  let greeted = false
  let visible = true
  let heard: Heard = 'everything'
  let heardAt = Date.now()
  let meshAway: number | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined

  const hear = (): void => {
    const tasks = [...listeners].some((listener) => listener.tasks)
    const wanted = !visible ? 'inbox' : tasks ? 'everything' : 'executions'
    if (wanted !== heard) tell({ type: 'hear', what: wanted })
    heard = wanted
  }
  const report = (name: Exclude<keyof LiveListener, 'tasks'>, value?: unknown): void => {
    for (const listener of [...listeners]) (listener[name] as ((value?: unknown) => void) | undefined)?.(value)
  }
  const tell = (message: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }
  const sendWatch = (id: string, after: number): void => tell({ type: 'watch', execution_id: id, after })
  const showState = (): void => {
    connection.value = meshAway === undefined ? { state: 'live' } : { state: 'stale', since: meshAway }
  }

  function connect(): void {
    const opened = new WebSocket(url)
    socket = opened
    listenForSilence()
    opened.onmessage = ({ data }) => {
      heardAt = Date.now()
      listenForSilence()
      take(JSON.parse(String(data)) as LiveMessage)
    }
    opened.onclose = ({ code }) => {
      if (closed || socket !== opened) return
      clearTimeout(silence)
      if (code === SIGNED_OUT) return onSignedOut()
      connection.value = failures === 0 && meshAway === undefined ? { state: 'reconnecting' } : staleSince()
      const waitMs = Math.min(RETRY_MS_MAX, retryMs * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
      failures += 1
      retry = setTimeout(connect, waitMs)
    }
  }

  const staleSince = (): Connection => ({ state: 'stale', since: meshAway ?? heardAt })

  function listenForSilence(): void {
    clearTimeout(silence)
    const watched = socket
    silence = setTimeout(() => {
      // A connection that is gone without a word may take minutes to close by itself.
      if (!watched || watched !== socket) return
      const { onclose } = watched
      watched.onclose = null
      watched.close()
      onclose?.call(watched, new Event('close') as CloseEvent)
    }, silenceMs)
  }

  function take(message: LiveMessage): void {
    switch (message.type) {
      case 'hello':
        failures = 0
        showState()
        heard = 'everything'
        hear()
        for (const [id, { last }] of watches) sendWatch(id, last)
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
        return takeRows(message)
      case 'unwatched': {
        const watched = watches.get(message.execution_id)
        for (const onRows of watched?.listeners ?? []) onRows({ ...message, rows: [], last_seq: watched?.last ?? 0 })
        return
      }
      case 'mesh':
        meshAway = message.connected ? undefined : Date.parse(message.since)
        showState()
        if (message.connected) {
          for (const [id, { last }] of watches) sendWatch(id, last)
          report('missed')
        }
        return
      case 'dropped':
        return report('missed')
    }
  }

  function takeRows(message: Rows): void {
    const watched = watches.get(message.execution_id)
    if (!watched) return
    const { rows, gap } = rowsAfter(watched.last, message.rows)
    if (gap) return sendWatch(message.execution_id, watched.last)
    watched.last = rows.at(-1)?.seq ?? watched.last
    for (const onRows of watched.listeners) onRows({ ...message, rows, last_seq: watched.last })
  }

  return {
    connection,
    open() {
      if (!closed) return
      closed = false
      connect()
    },
    listen(listener) {
      listeners.add(listener)
      hear()
      return () => {
        listeners.delete(listener)
        hear()
      }
    },
    watch(executionId, after, onRows) {
      const watched = watches.get(executionId) ?? { last: after, listeners: new Set() }
      // Who joins later reads from its own row on; the others skip what they have.
      const own = { last: after }
      const listener = (rows: Rows): void => {
        const fresh = rows.rows.filter(({ seq }) => seq > own.last)
        own.last = fresh.at(-1)?.seq ?? own.last
        onRows({ ...rows, rows: fresh })
      }
      watched.last = Math.min(watched.last, after)
      watched.listeners.add(listener)
      watches.set(executionId, watched)
      sendWatch(executionId, watched.last)
      return () => {
        watched.listeners.delete(listener)
        if (watched.listeners.size > 0 || watches.get(executionId) !== watched) return
        watches.delete(executionId)
        tell({ type: 'unwatch', execution_id: executionId })
      }
    },
    see(now) {
      visible = now
      hear()
    },
    close() {
      closed = true
      clearTimeout(retry)
      clearTimeout(silence)
      socket?.close()
    },
  }
}

/** The rows that follow `last`, each once. `gap`: one between is missing, so none may be shown yet. */
export function rowsAfter(last: number, rows: readonly AuditRow[]): { rows: AuditRow[]; gap: boolean } {
  const fresh: AuditRow[] = []
  let next = last + 1
  for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
    if (row.seq < next) continue
    if (row.seq > next) return { rows: [], gap: true }
    fresh.push(row)
    next += 1
  }
  return { rows: fresh, gap: false }
}
