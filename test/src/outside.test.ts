// The mesh as anybody's program sees it, in any language: NATS, JSON, and the credentials of a client.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { countRowsAtRest } from '@deed/drill/harness/count-rows'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { connect, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
/** Enters as `client`, whose principal is `local.user`. */
let nc: NatsConnection

beforeAll(async () => {
  under = opened.use(await meshUnderTest())
  nc = await enter('client')
})

afterAll(() => opened.disposeAsync())

async function enter(user: 'client' | 'approver' | 'deed'): Promise<NatsConnection> {
  const { nats_url, nats_user, nats_password } = under.mesh.connectionAs(user)
  const connection = await connect({
    servers: nats_url,
    user: nats_user as string,
    pass: nats_password as string,
  })
  opened.defer(() => connection.close())
  return connection
}

// biome-ignore lint/suspicious/noExplicitAny: what comes back is looked at as JSON
const ask = async (subject: string, body: object, by = nc): Promise<any> =>
  (await by.request(subject, JSON.stringify(body), { timeout: 60_000 })).json()

/** Asks until the execution is there and has ended. */
const ended = async (by: object) => {
  for (;;) {
    const found = await ask('execution.get', by)
    if (['done', 'failed'].includes(found.status)) return found
    if (found.code !== undefined && found.code !== 'not_found') throw new Error(JSON.stringify(found))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('a client of its own making', () => {
  it('has a task done, and follows it live', async () => {
    const events = nc.subscribe('event.execution.*.*')
    const reply = await ask('execution.request', { task: 'write "by hand" to notes/outside.txt' })
    expect(reply).toMatchObject({
      status: 'done',
      method: 'autonomous',
      metrics: { success: true },
      verification: [{ kind: 'observed', outcome: 'verified' }],
    })
    expect(existsSync(join(under.workspace, 'notes/outside.txt'))).toBe(true)
    const seen: { seq: number; type: string }[] = []
    for await (const message of events) {
      const event = message.json<{ execution_id: string; seq: number; type: string }>()
      if (event.execution_id !== reply.execution_id) continue
      seen.push(event)
      if (event.type === 'execution.ended') break
    }
    // The first one or two are told before anybody can know the id; none of the later is missing.
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => (seen[0]?.seq ?? 0) + index))
    const { timeline } = await ask('execution.get', { execution_id: reply.execution_id })
    expect(timeline.map(({ seq }: { seq: number }) => seq)).toEqual(
      timeline.map((_: unknown, index: number) => index + 1),
    )
    expect(timeline.at(-1)).toMatchObject({ type: 'execution.ended', seq: seen.at(-1)?.seq })
  })

  it('submits durably, once for each message id, and finds it by key and by sequence', async () => {
    const js = nc.jetstream()
    const body = JSON.stringify({ task: 'create the folder submitted' })
    const first = await js.publish('execution.submit', body, { msgID: 'order-17' })
    const again = await js.publish('execution.submit', body, { msgID: 'order-17' })
    expect(first).toMatchObject({ stream: 'EXECUTION_INTAKE_local', duplicate: false })
    const bySequence = await ended({ sequence: first.seq })
    expect((await ended({ sequence: again.seq })).execution_id).toBe(bySequence.execution_id)
    expect(bySequence).toMatchObject({ status: 'done', metrics: { success: true } })
    const byKey = await ended({ idempotency_key: 'order-17' })
    expect(byKey.execution_id).toBe(bySequence.execution_id)
    // The same request at the other door is the same execution too.
    const asked = await ask('execution.request', { task: 'create the folder submitted', idempotency_key: 'order-17' })
    expect(asked.execution_id).toBe(byKey.execution_id)
    // Where the message id is already forgotten, the key is not.
    const later = await js.publish(
      'execution.submit',
      JSON.stringify({ ...JSON.parse(body), idempotency_key: 'order-17' }),
    )
    expect((await ended({ sequence: later.seq })).execution_id).toBe(byKey.execution_id)
    const { rows } = await under.database.query(
      `select count(*)::int as executions from orchestrator.executions where request->>'task' = 'create the folder submitted'`,
    )
    expect(rows).toEqual([{ executions: 1 }])
  })

  it('finds why a submission could not be executed, also one that takes the key of another', async () => {
    const js = nc.jetstream()
    const unread = await js.publish('execution.submit', '{"task":')
    expect(await ended({ sequence: unread.seq })).toMatchObject({ status: 'failed', error: { code: 'invalid_json' } })
    const unknown = await js.publish('execution.submit', '{"tsak":"x"}', { msgID: 'order-18' })
    const refused = await ended({ sequence: unknown.seq })
    expect(refused).toMatchObject({ status: 'failed', tasks: [], error: { code: 'unknown_field' } })
    expect(await ended({ idempotency_key: 'order-18' })).toEqual(refused)
    const keyed = await js.publish('execution.submit', '{"tsak":"x","idempotency_key":"order-19"}')
    expect(await ended({ idempotency_key: 'order-19' })).toEqual(await ended({ sequence: keyed.seq }))
    const other = await js.publish('execution.submit', '{"task":"y"}', { msgID: 'order-17' })
    // Long after the tenth of a second in which the server itself drops a copy.
    expect(other.duplicate).toBe(false)
    expect(await ended({ sequence: other.seq })).toMatchObject({
      status: 'failed',
      error: { code: 'idempotency_conflict', path: '$.task' },
    })
    expect((await ended({ idempotency_key: 'order-17' })).status).toBe('done')
    const taken = await js.publish('execution.submit', '{"task":"x","idempotency_key":"order-17"}')
    expect(await ended({ sequence: taken.seq })).toMatchObject({
      error: { code: 'idempotency_conflict', path: '$.task' },
    })
  })

  it('tells one request from another under one key, however fast they follow; a message id says only that it was dropped', async () => {
    const js = nc.jetstream()
    const at = (task: string, idempotency_key?: string) => JSON.stringify({ task, idempotency_key })
    const keyed = await Promise.all(
      ['write "1" to fast.txt', 'write "2" to fast.txt'].map((task) =>
        js.publish('execution.submit', at(task, 'fast')),
      ),
    )
    expect(keyed.map(({ duplicate }) => duplicate)).toEqual([false, false])
    const ends = await Promise.all(keyed.map(({ seq }) => ended({ sequence: seq })))
    expect(ends.map(({ status }) => status).sort()).toEqual(['done', 'failed'])
    expect(ends.find(({ status }) => status === 'failed')).toMatchObject({
      error: { code: 'idempotency_conflict', path: '$.task' },
    })
    // The server drops the second one before anybody reads it, and says so.
    const named = await Promise.all(
      ['write "1" to named.txt', 'write "2" to named.txt'].map((task) =>
        js.publish('execution.submit', at(task), { msgID: 'named' }),
      ),
    )
    expect(named.map(({ duplicate }) => duplicate).sort()).toEqual([false, true])
    expect(named[0]?.seq).toBe(named[1]?.seq)
  })

  it('needs no answer', async () => {
    nc.publish('execution.request', '{"task":"create the folder unheard","idempotency_key":"unheard"}')
    expect(await ended({ idempotency_key: 'unheard' })).toMatchObject({ status: 'done' })
    expect(existsSync(join(under.workspace, 'unheard'))).toBe(true)
  })

  it('cannot have the answer sent to where it may not publish', async () => {
    const operator = await enter('deed')
    const heard: { subject: string; bytes: string }[] = []
    operator.subscribe('>', { callback: (_, msg) => void heard.push({ subject: msg.subject, bytes: msg.string() }) })
    await operator.flush()
    const before = await countRowsAtRest(under.database)
    for (const reply of ['work.act.local', 'event.execution.forged', 'approval.decide.local.approver', 'task.report']) {
      nc.publish('execution.request', '{"tsak":"deputy"}', { reply })
      nc.publish('execution.get', '{"deputy":1}', { reply })
    }
    // Behind these in the same queue.
    await ask('execution.list', {})
    expect(await countRowsAtRest(under.database)).toEqual(before)
    await operator.flush()
    // The requests, and their answers on the way to the account of the client.
    const elsewhere = heard.filter(({ subject, bytes }) => /deputy|tsak/.test(bytes) && !subject.startsWith('_R_.'))
    expect(new Set(elsewhere.map(({ subject }) => subject))).toEqual(
      new Set(['execution.request.local.user', 'execution.get.local.user']),
    )
  })

  it.each([
    'execution.request.acme.ada',
    'execution.request.local.approver',
    'execution.cancel.acme.user',
    'approval.decide',
    'approval.decide.local.user',
    'approval.decide.local.approver',
    'task.report',
    'worker.heartbeat',
    'action.inspect',
    'cache.put',
    'work.act.local',
  ])('cannot speak as somebody else: %s', async (subject) => {
    const before = await countRowsAtRest(under.database)
    await expect(ask(subject, { task: 'create the folder forged' })).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    await expect(nc.jetstream().publish('execution.submit.acme.ada', '{"task":"x"}')).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
    expect(await countRowsAtRest(under.database)).toEqual(before)
    expect(existsSync(join(under.workspace, 'forged'))).toBe(false)
  })

  it.each(['_INBOX_orchestrator.>', 'work.>', 'execution.request', '>'])('cannot listen to %s', async (subject) => {
    const refused = new Promise((resolve) => nc.subscribe(subject, { callback: (error) => resolve(error) }))
    expect(await refused).toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
  })

  it('sees nothing of another tenant, even under the same key', async () => {
    const operator = await enter('deed')
    const request = { task: 'create the folder shared', idempotency_key: 'same-in-both' }
    const own = await ask('execution.request', request)
    const theirs = await ask('execution.request.acme.ada', request, operator)
    expect(theirs.status).toBe('done')
    expect(theirs.execution_id).not.toBe(own.execution_id)
    expect(await ask('execution.get', { execution_id: theirs.execution_id })).toMatchObject({ code: 'not_found' })
    expect(await ask('execution.rollback', { execution_id: theirs.execution_id })).toMatchObject({ code: 'not_found' })
    const { executions } = await ask('execution.list', { limit: 500 })
    const ids = executions.map(({ execution_id }: { execution_id: string }) => execution_id)
    expect(ids).toContain(own.execution_id)
    expect(ids).not.toContain(theirs.execution_id)
    expect(await ask('execution.get.acme.ada', { idempotency_key: 'same-in-both' }, operator)).toMatchObject({
      execution_id: theirs.execution_id,
      tenant: 'acme',
      user: 'ada',
    })
  })
})
