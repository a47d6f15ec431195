/** A TCP proxy between two that trust each other, which can be slow, deaf on one side, or cut. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Conditions {
  /** Of every piece of data, in each direction, in milliseconds. */
  delayMs: number
  /** A part of the pieces that is held up, as where packets are lost and sent again. */
  lossPart: number
  /** Of each connection, in each direction; 0: as many as there are. */
  bytesPerSecond: number
  /** The direction in which nothing arrives, until this is taken back; then it does, as TCP sends again what was lost. */
  silent: 'none' | 'to_server' | 'to_client' | 'both'
}

export interface ChaosProxy extends AsyncDisposable {
  /** The given URL, by way of the proxy. */
  readonly url: (of: string) => string
  /** From now on; what is not named stays as it is. */
  set(conditions: Partial<Conditions>): void
  /** Ends every connection. New ones are let through. */
  cut(): void
  /** From now on new connections lead to another server. */
  leadTo(server: string): void
}

const CALM: Conditions = { delayMs: 0, lossPart: 0, bytesPerSecond: 0, silent: 'none' }
/** How long TCP waits, at the least, before it sends again what was not acknowledged. */
const RESEND_MS = 200
const QUEUED_BYTES_MAX = 1024 * 1024
const CHECK_AGAIN_MS = 20

/** @param toServer makes, for each connection, what changes the data that a client sends */
export async function openChaosProxy(
  server: string,
  random: () => number,
  toServer: () => (data: Buffer) => Buffer = () => (data) => data,
): Promise<ChaosProxy> {
  let upstreamAddress = new URL(server)
  const conditions = { ...CALM }
  const sockets = new Set<Socket>()
  const listening = createServer((client) => {
    const upstream = connect(Number(upstreamAddress.port), upstreamAddress.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    void carry(client, upstream, 'to_server', conditions, random, toServer())
    void carry(upstream, client, 'to_client', conditions, random, (data) => data)
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const { port: own } = listening.address() as AddressInfo
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url(of) {
      const through = new URL(of)
      through.port = String(own)
      return through.href
    },
    set: (changed) => void Object.assign(conditions, changed),
    cut,
    leadTo(other) {
      upstreamAddress = new URL(other)
    },
    async [Symbol.asyncDispose]() {
      listening.close()
      cut()
      await once(listening, 'close')
    },
  }
}

async function carry(
  from: Socket,
  to: Socket,
  direction: 'to_server' | 'to_client',
  conditions: Conditions,
  random: () => number,
  change: (data: Buffer) => Buffer,
): Promise<void> {
  const queue: { data: Buffer; at: number }[] = []
  let bytes = 0
  let wake: () => void = () => undefined
  from.on('data', (sent: Buffer) => {
    const data = change(sent)
    if (data.length === 0) return
    const lost = random() < conditions.lossPart ? RESEND_MS : 0
    queue.push({ data, at: performance.now() + conditions.delayMs + lost })
    bytes += data.length
    if (bytes > QUEUED_BYTES_MAX) from.pause()
    wake()
  })
  from.on('close', () => wake())
  while (!from.destroyed) {
    const piece = queue[0]
    if (!piece) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      continue
    }
    if (conditions.silent === 'both' || conditions.silent === direction) {
      await sleep(CHECK_AGAIN_MS)
      continue
    }
    const waitMs = piece.at - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    queue.shift()
    bytes -= piece.data.length
    from.resume()
    if (!to.destroyed) to.write(piece.data)
    if (conditions.bytesPerSecond > 0) await sleep((piece.data.length / conditions.bytesPerSecond) * 1_000)
  }
}
