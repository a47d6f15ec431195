/** One live connection: what its page asks for, what it is sent, and when it ends. */
import { decodeJson } from '@deed/json/decode'
import type { Bus } from '@deed/mesh/bus'
import { type ConsoleRefusal, HEARD, type Heard } from '@deed/proto/console'
import { DeedError } from '@deed/proto/errors'
import { ExecutionId } from '@deed/proto/ids'
import type { RawData, WebSocket } from 'ws'
import { z } from 'zod'
import type { Session } from '../sessions/sessions.ts'
import { messageText } from './message-text.ts'
import { openOutlet } from './outlet.ts'
import type { Listener } from './tenant-feeds.ts'
import { type WatchedExecution, watchExecution } from './watched-execution.ts'

const WATCHED_MAX = 50
/** Of the page's messages; a page sends one for each execution that it opens or leaves, and again after a break. */
const MESSAGES_MAX = 200
const MESSAGES_WINDOW_MS = 10_000
/** Of the protocol, and of this console: the session has ended. */
export const CLOSED = { goingAway: 1001, policy: 1008, signedOut: 4401 } as const

const ClientMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('watch'),
    execution_id: ExecutionId,
    after: z
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  }),
  z.strictObject({ type: z.literal('unwatch'), execution_id: ExecutionId }),
  z.strictObject({ type: z.literal('hear'), what: z.enum(HEARD) }),
])

export interface Connection extends Listener {
  readonly session: Session
  /** Asks for a sign of life, and cuts off a client that gave none since the last time. */
  beat(): void
  /** @param connected whether NATS is; what came meanwhile is read back */
  onMesh(connected: boolean, since: string): void
  close(code: number, reason: string): void
}

interface Parts {
  bus: Pick<Bus, 'call'>
  session: Session
  socket: WebSocket
  /** How much who hears this alone was not told so far. */
  missedBy(hears: Heard): number
  /** Logs and counts why it was ended. */
  note(reason: ConsoleRefusal, message: string): void
  onClosed(): void
}

export function openConnection({ bus, session, socket, missedBy, note, onClosed }: Parts): Connection {
  const { tenant, user } = session
  const watched = new Map<ExecutionId, WatchedExecution>()
  let alive = true
  let hears: Heard = 'everything'
  let missedBefore = 0
  let messages = 0
  let windowFrom = performance.now()

  const cutOff = (): void => {
    if (socket.readyState === socket.CLOSED) return
    note('live_slow', 'it takes nothing any more')
    socket.terminate()
  }
  const outlet = openOutlet(socket, cutOff)
  const unwatch = (id: ExecutionId): void => {
    watched.get(id)?.[Symbol.dispose]()
    watched.delete(id)
  }
  const refuseWatch = (id: ExecutionId, error: DeedError): void => {
    unwatch(id)
    if (socket.readyState === socket.OPEN)
      socket.send(messageText({ type: 'unwatched', execution_id: id, error: error.body }))
  }
  const end = (reason: ConsoleRefusal, message: string): void => {
    note(reason, message)
    socket.close(CLOSED.policy, message)
  }
  const hear = (what: Heard): void => {
    if (HEARD.indexOf(what) > HEARD.indexOf(hears)) outlet.sayDropped(missedBy(hears) - missedBefore)
    hears = what
    missedBefore = missedBy(what)
  }
  const receive = (data: RawData, isBinary: boolean): void => {
    const now = performance.now()
    if (now - windowFrom > MESSAGES_WINDOW_MS) [windowFrom, messages] = [now, 0]
    if (++messages > MESSAGES_MAX) return end('live_limit', 'too many messages')
    const message = isBinary ? undefined : readMessage(data)
    if (message === undefined) return end('body', 'the message matches none of the allowed forms')
    if (message.type === 'hear') return hear(message.what)
    const { execution_id: id } = message
    unwatch(id)
    if (message.type === 'unwatch') return
    if (watched.size >= WATCHED_MAX)
      return refuseWatch(id, new DeedError('rate_limited', `a page watches at most ${WATCHED_MAX} executions at once`))
    const onRefused = (error: DeedError): void => refuseWatch(id, error)
    watched.set(id, watchExecution({ bus, principal: { tenant, user }, id, after: message.after, outlet, onRefused }))
  }

  socket.on('message', receive)
  socket.on('pong', () => {
    alive = true
  })
  // A message that is too large, or no message of the protocol: the library closes the connection.
  socket.on('error', (error) => note('body', error.message))
  socket.on('close', () => {
    for (const id of [...watched.keys()]) unwatch(id)
    onClosed()
  })
  socket.send(messageText({ type: 'hello', at: new Date().toISOString(), tenant, user }))

  return {
    session,
    get hears() {
      return hears
    },
    onEvent: (event) => watched.get(event.execution_id)?.onEvent(event),
    onEvents: outlet.sendEvents,
    onNotice: (message) => outlet.sendEvents(message, 1),
    beat() {
      if (!alive) return cutOff()
      alive = false
      outlet.sayDropped()
      if (outlet.hasRoom()) socket.send(messageText({ type: 'beat', at: new Date().toISOString() }))
      socket.ping()
    },
    onMesh(connected, since) {
      if (socket.readyState === socket.OPEN) socket.send(messageText({ type: 'mesh', connected, since }))
      if (connected) for (const one of watched.values()) one.readBack()
    },
    close: (code, reason) => socket.close(code, reason),
  }
}

function readMessage(data: RawData): z.output<typeof ClientMessage> | undefined {
  try {
    return ClientMessage.safeParse(decodeJson(new Uint8Array(data as Buffer))).data
  } catch {
    return undefined
  }
}
