/** A WebSocket that is opened again whenever it breaks; one that says nothing for long counts as broken. */
import type { LiveMessage } from '@deed/proto/console'

const RETRY_MS_MAX = 15_000
/** The code with which the server ends the connections of a session that has ended. */
const SIGNED_OUT = 4401

export interface LiveSocket {
  /** Connects, and stays connected until it is closed. */
  open(): void
  /** Sends it if there is a connection; what has to arrive is sent again after each `hello`. */
  tell(message: object): void
  close(): void
}

interface Options {
  /** The first wait before it is opened again; it doubles up to 15 s, with jitter. */
  readonly retryMs: number
  readonly silenceMs: number
  readonly onMessage: (message: LiveMessage) => void
  /**
   * @param again it had not been greeted since it broke before
   * @param heardAt when something arrived last, in milliseconds since 1970
   */
  readonly onBroken: (again: boolean, heardAt: number) => void
  /** The session has ended; the socket stays closed. */
  readonly onSignedOut: () => void
}

export function openSocket(url: string, { retryMs, silenceMs, onMessage, onBroken, onSignedOut }: Options): LiveSocket {
  let socket: WebSocket | undefined
  let closed = true
  let failures = 0
  let heardAt = Date.now()
  let retry: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined

  function connect(): void {
    const opened = new WebSocket(url)
    socket = opened
    listenForSilence()
    opened.onmessage = ({ data }) => {
      heardAt = Date.now()
      listenForSilence()
      const message = JSON.parse(String(data)) as LiveMessage
      if (message.type === 'hello') failures = 0
      onMessage(message)
    }
    opened.onclose = ({ code }) => {
      if (closed || socket !== opened) return
      clearTimeout(silence)
      if (code === SIGNED_OUT) return onSignedOut()
      onBroken(failures > 0, heardAt)
      const waitMs = Math.min(RETRY_MS_MAX, retryMs * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
      failures += 1
      retry = setTimeout(connect, waitMs)
    }
  }

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

  return {
    open() {
      if (!closed) return
      closed = false
      connect()
    },
    tell(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
    },
    close() {
      closed = true
      clearTimeout(retry)
      clearTimeout(silence)
      socket?.close()
    },
  }
}
