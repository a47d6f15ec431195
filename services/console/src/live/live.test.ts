// Live connections over a whole mesh: nothing lost, nothing doubled, and no client that harms another.

import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { type EventType, executionEvent, requestExecution, watchExecution } from '@deed/proto/execution'
import { ExecutionId } from '@deed/proto/ids'
import { cancelExecution } from '@deed/proto/steering'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LiveClient, type SignedIn, signIn } from '../../test/console-client.ts'

/** It waits for an approval, so a test says when it continues. */
const TASK = 'write "new" to plan/a.txt, then run `cp plan/a.txt plan/b.txt`'

let under: MeshUnderTest
let ann: SignedIn

beforeAll(async () => {
  under = await meshUnderTest({ config: 'commands: { allow: [cp] }' })
  ann = await signIn(under.client)
})
afterAll(() => under[Symbol.asyncDispose]())

async function begin(): Promise<ExecutionId> {
  const { execution_id: id } = await under.client.call(requestExecution, { task: TASK, mode: 'background' })
  await until(async () => (await rowsOf(id)).includes('approval.requested'))
  return id
}

const rowsOf = async (id: ExecutionId): Promise<string[]> =>
  (await under.client.call(watchExecution, { execution_id: id })).events.map(({ type }) => type)

/** Cancels it. @returns the number of its last row */
async function end(id: ExecutionId): Promise<number> {
  await under.client.call(cancelExecution, { execution_id: id })
  await until(async () => (await rowsOf(id)).includes('execution.ended'))
  return (await rowsOf(id)).length
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)
const eventsOf = ({ messages }: LiveClient) =>
  messages.reduce((sum, message) => sum + (message.type === 'events' ? message.events.length : 0), 0)
const droppedOf = ({ messages }: LiveClient) =>
  messages.reduce((sum, message) => sum + (message.type === 'dropped' ? message.count : 0), 0)
const codeOf = ({ socket }: LiveClient): Promise<number> => new Promise((resolve) => socket.once('close', resolve))

/** Events of as many executions that there are not, as an orchestrator publishes them. */
function publish(tenant: string, count: number, characters: number, type: EventType = 'task.done'): void {
  for (const seq of upTo(count)) {
    const execution_id = ExecutionId.parse(crypto.randomUUID())
    const event = { execution_id, seq, type, at: new Date().toISOString(), data: {} }
    const facts = { status: 'running' as const, percent: 1, current: null, task: 'x'.repeat(characters) }
    under.client.announce(executionEvent, [tenant, execution_id], [{ ...event, ...facts }])
  }
}

describe('the rows of an execution', () => {
  it('come once each, in order, with its end, whether they are read or heard', async () => {
    const id = await begin()
    const [early, late] = [await ann.live(), await ann.live()]
    early.send({ type: 'watch', execution_id: id, after: 0 })
    await expect.poll(() => early.seqs(id).length).toBeGreaterThan(2)
    const last = await end(id)
    late.send({ type: 'watch', execution_id: id, after: 2 })
    await expect.poll(() => early.seqs(id)).toEqual(upTo(last))
    await expect.poll(() => late.seqs(id)).toEqual(upTo(last).slice(2))
    const shown = early.messages.findLast((message) => message.type === 'rows')
    expect(shown).toMatchObject({ last_seq: last, execution: { status: 'cancelled', success: false, last_seq: last } })
    for (const { socket } of [early, late]) socket.close()
  })

  it('are neither lost nor doubled when the connection of the page breaks', async () => {
    const id = await begin()
    const first = await ann.live()
    first.send({ type: 'watch', execution_id: id, after: 0 })
    await expect.poll(() => first.seqs(id).length).toBeGreaterThan(2)
    first.socket.terminate()
    const seen = first.seqs(id)
    const last = await end(id)
    const second = await ann.live()
    second.send({ type: 'watch', execution_id: id, after: seen.at(-1) })
    await expect.poll(() => [...seen, ...second.seqs(id)]).toEqual(upTo(last))
    second.socket.close()
  })

  it('are neither lost nor doubled when NATS dies and comes back', async () => {
    const id = await begin()
    const client = await ann.live()
    client.send({ type: 'watch', execution_id: id, after: 0 })
    await expect.poll(() => client.seqs(id).length).toBeGreaterThan(2)
    await under.mesh.nats?.kill()
    await expect.poll(() => client.messages).toContainEqual(expect.objectContaining({ type: 'mesh', connected: false }))
    await under.mesh.nats?.start()
    await expect.poll(() => client.messages).toContainEqual(expect.objectContaining({ type: 'mesh', connected: true }))
    const last = await end(id)
    await expect.poll(() => client.seqs(id)).toEqual(upTo(last))
    client.socket.close()
  })

  it('of another tenant, or of none, are refused', async () => {
    const id = await begin()
    const eve = await signIn(under.client, { tenant: 'acme', user: 'eve' })
    const client = await eve.live()
    for (const one of [id, crypto.randomUUID()]) {
      client.send({ type: 'watch', execution_id: one, after: 0 })
      await expect
        .poll(() => client.messages)
        .toContainEqual({ type: 'unwatched', execution_id: one, error: expect.objectContaining({ code: 'not_found' }) })
    }
    await end(id)
    expect(eventsOf(client)).toBe(0)
    client.socket.close()
  })
})

describe('a client', () => {
  it('hears what it asks for, and is told how many events it missed once it asks for more', async () => {
    const eve = await signIn(under.client, { tenant: 'hearing', user: 'eve' })
    const [hidden, list, all] = [await eve.live(), await eve.live(), await eve.live()]
    expect(await eve.call('execution.list', {})).toMatchObject({ status: 200 })
    hidden.send({ type: 'hear', what: 'inbox' })
    list.send({ type: 'hear', what: 'executions' })
    for (const one of [hidden, list]) {
      // Its answer comes after what was asked before.
      one.send({ type: 'watch', execution_id: crypto.randomUUID(), after: 0 })
      await expect.poll(() => one.messages.some(({ type }) => type === 'unwatched')).toBe(true)
    }
    const heard = () => [hidden, list, all].map(eventsOf)
    publish('hearing', 5, 10)
    publish('hearing', 4, 10, 'execution.running')
    publish('hearing', 3, 10, 'approval.requested')
    await expect.poll(heard).toEqual([3, 7, 12])
    hidden.send({ type: 'hear', what: 'executions' })
    await expect.poll(() => droppedOf(hidden)).toBe(9)
    hidden.send({ type: 'hear', what: 'inbox' })
    hidden.send({ type: 'hear', what: 'everything' })
    publish('hearing', 2, 10)
    await expect.poll(heard).toEqual([5, 7, 14])
    expect([hidden, list, all].map(droppedOf)).toEqual([9, 0, 0])
    for (const { socket } of [hidden, list, all]) socket.close()
  })

  it('that reads slowly is told how many events it missed, and the others miss none', async () => {
    // A tenant in which nothing else happens.
    const eve = await signIn(under.client, { tenant: 'quiet', user: 'eve' })
    const [slow, other] = [await eve.live(), await eve.live()]
    // As a page does: what happens after this answer is heard.
    expect(await eve.call('execution.list', {})).toMatchObject({ status: 200 })
    slow.socket.pause()
    const count = 1_600
    for (let round = 0; round < count / 50; round++) {
      publish('quiet', 50, 8_000)
      await expect.poll(() => eventsOf(other) + droppedOf(other)).toBe((round + 1) * 50)
    }
    expect(droppedOf(other)).toBe(0)
    slow.socket.resume()
    await expect.poll(() => eventsOf(slow) + droppedOf(slow)).toBe(count)
    expect(droppedOf(slow)).toBeGreaterThan(0)
    for (const { socket } of [slow, other]) socket.close()
  })

  it('that sends no known message, or too much, is closed', async () => {
    for (const text of [
      '',
      '{',
      '[]',
      '{"type":"watch"}',
      '{"type":"watch","execution_id":"x","after":0}',
      '{"type":"run"}',
    ]) {
      const client = await ann.live()
      client.socket.send(text)
      expect(await codeOf(client)).toBe(1008)
    }
    const large = await ann.live()
    large.socket.send('x'.repeat(5_000))
    expect(await codeOf(large)).toBe(1009)
    const binary = await ann.live()
    binary.socket.send(Buffer.from('{}'))
    expect(await codeOf(binary)).toBe(1008)
    const busy = await ann.live()
    for (let sent = 0; sent < 250; sent++) busy.send({ type: 'unwatch', execution_id: crypto.randomUUID() })
    expect(await codeOf(busy)).toBe(1008)
  })

  it('has twenty pages at most, and watches fifty executions', async () => {
    const bob = await signIn(under.client, { user: 'bob' })
    const open = await Promise.all(upTo(20).map(() => bob.live()))
    await expect(bob.live()).rejects.toThrow('429')
    const [one] = open
    for (let watched = 0; watched < 51; watched++)
      one?.send({ type: 'watch', execution_id: crypto.randomUUID(), after: 0 })
    await expect.poll(() => one?.messages.filter(({ type }) => type === 'unwatched').length).toBe(51)
    for (const { socket } of open) socket.close()
  })

  it('is one of two hundred, of which fifty stopped reading: executions are done, and all others hear of it', async () => {
    const people = await Promise.all(upTo(10).map((number) => signIn(under.client, { user: `user${number}` })))
    const clients = (await Promise.all(people.map((one) => Promise.all(upTo(20).map(() => one.live()))))).flat()
    const paused = clients.slice(0, 50)
    for (const { socket } of paused) socket.pause()
    const reply = await under.client.call(requestExecution, { task: 'write "x" to many.txt', mode: 'immediate' })
    expect(reply).toMatchObject({ status: 'done' })
    const heard = ({ messages }: LiveClient): boolean =>
      messages.some((one) => one.type === 'events' && one.events.some(({ type }) => type === 'execution.ended'))
    await expect.poll(() => clients.slice(50).every(heard)).toBe(true)
    expect(paused.some(heard)).toBe(false)
    const console = under.mesh.service('console')
    const { pid } = console
    const closed = clients.slice(50).map(codeOf)
    expect(await console.stop()).toBe(0)
    expect(new Set(await Promise.all(closed))).toEqual(new Set([1001]))
    expect(pid).toBeDefined()
    for (const { socket } of clients) socket.terminate()
  })
})
