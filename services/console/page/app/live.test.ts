// A real WebSocket server plays the console; the client is the browser's own interface, which Node has too.
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Live, openLive } from './live.ts'
import { type Rows, rowsAfter } from './live-watches.ts'

const ID = '0194a000-7000-7abc-8def-0123456789ab'
const opened: { close(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

interface Console {
  readonly url: string
  /** But for what the page hears, which is in `heard`. */
  readonly received: Record<string, unknown>[]
  readonly heard: unknown[]
  send(message: unknown): void
  /** Ends all connections, as a crash does. */
  breakAll(): void
  /** Ends all connections as for a session that has ended. */
  signOutAll(): void
  connections(): number
}

async function startConsole(): Promise<Console> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const received: Record<string, unknown>[] = []
  const heard: unknown[] = []
  let connections = 0
  server.on('connection', (socket: WebSocket) => {
    connections += 1
    socket.send(JSON.stringify({ type: 'hello', at: new Date().toISOString(), tenant: 'local', user: 'user' }))
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Record<string, unknown>
      if (message.type === 'hear') heard.push(message.what)
      else received.push(message)
    })
  })
  const breakAll = (): void => {
    for (const client of server.clients) client.terminate()
  }
  opened.push({
    close() {
      breakAll()
      server.close()
    },
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    heard,
    send(message) {
      for (const client of server.clients) client.send(JSON.stringify(message))
    },
    breakAll,
    signOutAll() {
      for (const client of server.clients) client.close(4401)
    },
    connections: () => connections,
  }
}

function connect(
  url: string,
  options: { retryMs?: number; silenceMs?: number; onSignedOut?: () => void } = { retryMs: 1 },
): Live {
  const live = openLive(url, options)
  opened.push(live)
  live.open()
  return live
}

const row = (seq: number): Rows['rows'][number] =>
  ({
    execution_id: ID,
    seq,
    type: 'task.done',
    at: '2026-01-01T00:00:00.000Z',
    data: {},
  }) as unknown as Rows['rows'][number]
const rows = (...seqs: number[]): unknown => ({
  type: 'rows',
  execution_id: ID,
  rows: seqs.map(row),
  last_seq: seqs.at(-1),
})

it('rows are taken each once and in order, and none after a gap', () => {
  const taken = (last: number, ...seqs: number[]): unknown => {
    const { rows: fresh, gap } = rowsAfter(last, seqs.map(row))
    return gap ? 'gap' : fresh.map(({ seq }) => seq)
  }
  expect(taken(0, 1, 2, 3)).toEqual([1, 2, 3])
  expect(taken(2, 3, 2, 1, 3)).toEqual([3])
  expect(taken(2, 1)).toEqual([])
  expect(taken(2, 4)).toBe('gap')
  expect(taken(0, 1, 3)).toBe('gap')
})

it('events reach every listener until it stops listening', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  const seen: string[] = []
  const stop = live.listen({ events: (events) => seen.push(...events.map(({ execution_id: id }) => id)) })
  await expect.poll(() => live.connection.value.state).toBe('live')
  console.send({ type: 'events', events: [{ execution_id: 'a' }] })
  await expect.poll(() => seen).toEqual(['a'])
  stop()
  const last: string[] = []
  live.listen({ events: (events) => last.push(...events.map(({ execution_id: id }) => id)) })
  console.send({ type: 'events', events: [{ execution_id: 'b' }, { execution_id: 'c' }] })
  await expect.poll(() => last).toEqual(['b', 'c'])
  expect(seen).toEqual(['a'])
})

it('after a break it watches again from the last row, so that none is lost or doubled', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  const seen: number[] = []
  let missed = 0
  live.listen({ missed: () => missed++ })
  live.watch(ID, 0, ({ rows: fresh }) => seen.push(...fresh.map(({ seq }) => seq)))
  await expect.poll(() => console.received).toEqual([{ type: 'watch', execution_id: ID, after: 0 }])
  console.send(rows(1, 2))
  await expect.poll(() => seen).toEqual([1, 2])
  console.breakAll()
  await expect.poll(() => console.received.at(-1)).toEqual({ type: 'watch', execution_id: ID, after: 2 })
  console.send(rows(2, 3))
  await expect.poll(() => seen).toEqual([1, 2, 3])
  expect(missed).toBe(1)
})

it('a page says what it hears: what its badge counts while nobody sees it, and events of tasks where it shows them', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  const asked = (): unknown[] => console.heard
  await expect.poll(asked).toEqual(['executions'])
  live.see(true)
  live.see(false)
  await expect.poll(asked).toEqual(['executions', 'inbox'])
  // After a break it says so again.
  console.breakAll()
  await expect.poll(asked).toEqual(['executions', 'inbox', 'inbox'])
  live.see(true)
  const stop = live.listen({ tasks: true })
  live.listen({})
  await expect.poll(asked).toEqual(['executions', 'inbox', 'inbox', 'executions', 'everything'])
  stop()
  await expect.poll(() => asked().at(-1)).toBe('executions')
})

it('a gap is asked for again', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  const seen: number[] = []
  live.watch(ID, 4, ({ rows: fresh }) => seen.push(...fresh.map(({ seq }) => seq)))
  await expect.poll(() => console.received.length).toBe(1)
  console.send(rows(6))
  await expect.poll(() => console.received.length).toBe(2)
  expect(console.received.at(-1)).toEqual({ type: 'watch', execution_id: ID, after: 4 })
  console.send(rows(5, 6))
  await expect.poll(() => seen).toEqual([5, 6])
})

it('a second watcher of an execution starts at its own row', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  const seen: [string, number][] = []
  const note = (who: string) => (found: Rows) => seen.push(...found.rows.map(({ seq }): [string, number] => [who, seq]))
  const stop = live.watch(ID, 0, note('first'))
  await expect.poll(() => console.received.length).toBe(1)
  console.send(rows(1))
  await expect.poll(() => seen.length).toBe(1)
  const stopSecond = live.watch(ID, 0, note('second'))
  await expect.poll(() => console.received.at(-1)).toEqual({ type: 'watch', execution_id: ID, after: 0 })
  console.send(rows(1, 2))
  await expect.poll(() => seen.length).toBe(4)
  expect(seen).toEqual([
    ['first', 1],
    ['first', 2],
    ['second', 1],
    ['second', 2],
  ])
  stop()
  stopSecond()
  await expect.poll(() => console.received.at(-1)).toEqual({ type: 'unwatch', execution_id: ID })
})

it('a mesh that is away makes the page stale since then, and one that is back is read again', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  let missed = 0
  live.listen({ missed: () => missed++ })
  await expect.poll(() => live.connection.value.state).toBe('live')
  console.send({ type: 'mesh', connected: false, since: '2026-01-01T00:00:00.000Z' })
  await expect.poll(() => live.connection.value).toEqual({ state: 'stale', since: Date.UTC(2026, 0, 1) })
  console.send({ type: 'mesh', connected: true, since: '2026-01-01T00:01:00.000Z' })
  await expect.poll(() => live.connection.value.state).toBe('live')
  expect(missed).toBe(1)
})

it('a console that cannot be reached makes the page stale since its last word', async () => {
  const before = Date.now()
  const live = connect('ws://127.0.0.1:1')
  await expect.poll(() => live.connection.value.state).toBe('stale')
  const { connection } = live
  expect(connection.value.state === 'stale' && connection.value.since).toBeGreaterThanOrEqual(before - 1)
})

it('a connection that says nothing is opened again', async () => {
  const console = await startConsole()
  connect(console.url, { retryMs: 1, silenceMs: 50 })
  await expect.poll(() => console.connections()).toBeGreaterThan(2)
})

it('a closed connection stays closed until it is opened', async () => {
  const console = await startConsole()
  const live = connect(console.url)
  await expect.poll(() => console.connections()).toBe(1)
  live.close()
  live.open()
  await expect.poll(() => console.connections()).toBe(2)
})

it('a connection whose session has ended says so once, and is not opened again', async () => {
  const console = await startConsole()
  let ended = 0
  const live = connect(console.url, { retryMs: 1, onSignedOut: () => ended++ })
  await expect.poll(() => live.connection.value.state).toBe('live')
  console.signOutAll()
  await expect.poll(() => ended).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([ended, console.connections()]).toEqual([1, 1])
})
