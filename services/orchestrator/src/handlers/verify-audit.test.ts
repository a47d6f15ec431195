// A real PostgreSQL, chains as the core writes them, and a superuser who changes what he should not.
import type { Bus } from '@deed/mesh/bus'
import type { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { openAnchors } from '../audit/anchor-heads.ts'
import { draftOf, record } from '../execution/draft.ts'
import { admissionOf, emptySnapshot, type Incoming, newExecution } from '../execution/new-execution.ts'
import { readRefusals } from '../store/audit-anchors.ts'
import { clockOf } from '../store/clock.ts'
import { openAdmissions } from '../store/executions.ts'
import { migrations } from '../store/migrations.ts'
import type { Database, Schema } from '../store/schema.ts'
import { verifyAudit } from './verify-audit.ts'

const log = createLogger('test')
const ROWS = 5

describe('the audit log', () => {
  it('holds as it was written, and its newest anchor can be kept elsewhere', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await write(db, 3)
    await write(db, 2)
    expect(await verify(db)).toMatchObject({ executions: 5, anchors: 2, broken: null, broken_anchor: null })
    const { anchor } = await verify(db)
    expect(anchor).toMatchObject({ number: 2 })
    await write(db, 1)
    expect((await verify(db)).anchor).toMatchObject({ number: 3 })
  })

  it('is checked page by page, each anchor once', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await write(db, 3)
    const first = await verify(db, { limit: 2 })
    expect(first).toMatchObject({ executions: 2, broken: null })
    expect(
      await verify(db, { limit: 2, cursor: (first.next_cursor as ExecutionId | null) ?? undefined }),
    ).toMatchObject({
      executions: 1,
      broken: null,
      next_cursor: null,
    })
  })

  it('gets no anchor where nothing moved', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await write(db, 0)
    expect(await verify(db)).toMatchObject({ anchors: 0, anchor: null })
  })

  it('is one line of anchors, whichever replica writes', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await Promise.all([write(db, 1), write(db, 1), write(db, 1), write(db, 1)])
    const { anchors, broken, broken_anchor } = await verify(db)
    expect({ broken, broken_anchor }).toEqual({ broken: null, broken_anchor: null })
    // One that starts later may find what another was about to anchor.
    expect(anchors).toBeGreaterThanOrEqual(4)
  })

  it('gets the anchors that a killed replica could not write any more', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const [id] = await admitAll(db, 1)
    await write(db, 0)
    expect(await verify(db)).toMatchObject({ anchors: 1 })
    await asSuperuser(db, [cutOff(id!, 2)])
    expect(await verify(db)).toMatchObject({ broken: { execution_id: id, seq: 3 } })
  })

  const tampered: [string, number, (id: ExecutionId) => string[]][] = [
    [
      'a changed row',
      2,
      (id) => [`update audit_log set data = '{"name": "x"}' where execution_id = '${id}' and seq = 2`],
    ],
    ['a dropped row', 3, (id) => [`delete from audit_log where execution_id = '${id}' and seq = 3`]],
    [
      'swapped rows',
      2,
      (id) => [
        `update audit_log set seq = 99 where execution_id = '${id}' and seq = 2`,
        `update audit_log set seq = 2 where execution_id = '${id}' and seq = 3`,
        `update audit_log set seq = 3 where execution_id = '${id}' and seq = 99`,
      ],
    ],
    ['a tail that is cut off', 4, (id) => [`delete from audit_log where execution_id = '${id}' and seq >= 4`]],
    ['a tail that is cut off everywhere but in the anchors', 4, (id) => [cutOff(id, 3)]],
    [
      'an execution that is gone',
      1,
      (id) => [
        `delete from audit_log where execution_id = '${id}'`,
        `delete from executions where execution_id = '${id}'`,
      ],
    ],
  ]
  it.each(tampered)('names the first bad row of %s: %i', async (_, seq, statements) => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    const ids = await write(db, 3)
    await asSuperuser(db, statements(ids[1]!))
    alerts.length = 0
    expect(await verify(db)).toMatchObject({ broken: { execution_id: ids[1], seq }, next_cursor: null })
    expect(alerts).toEqual(['audit-broken'])
    expect(await verify(db, { execution_id: ids[1]! })).toMatchObject({ broken: { execution_id: ids[1], seq } })
    expect(await verify(db, { execution_id: ids[0]! })).toMatchObject({ broken: null })
  })

  it('tells of anchors that were changed or removed', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    for (let time = 0; time < 3; time++) await write(db, 1)
    await asSuperuser(db, [`delete from audit_anchors where number = 2`])
    expect(await verify(db)).toMatchObject({ broken: null, broken_anchor: { number: 3 } })
    await asSuperuser(db, [`update audit_anchors set heads = '{}' where number = 1`])
    expect(await verify(db)).toMatchObject({ broken_anchor: { number: 1 } })
  })

  it('has what the console refused among its anchors, newest first, and tells where it was changed', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await write(db, 1)
    const at = '2026-11-30T12:00:00.000Z'
    const refusal = { reason: 'role', code: 'forbidden', user: 'eve', count: 2, first_at: at, last_at: at } as const
    const other = { ...refusal, user: 'bob', address: '127.0.0.1' } as const
    const clock = clockOf(db)
    await clock.synchronise()
    {
      await using anchors = openAnchors({ db, log, clock })
      const both = [anchors.refused('local', [refusal]), anchors.refused('acme', [refusal])]
      expect(await Promise.all(both)).toEqual([2, 1])
      expect(await anchors.refused('local', [other, refusal])).toBe(3)
    }
    await write(db, 1)
    expect(await verify(db)).toMatchObject({ anchors: 4, broken: null, broken_anchor: null, anchor: { number: 4 } })
    expect(await readRefusals(db, 'local', { before: undefined, limit: 5 })).toEqual([
      { number: 3, refusals: [other, refusal] },
      { number: 2, refusals: [refusal] },
    ])
    expect(await readRefusals(db, 'local', { before: 3, limit: 5 })).toHaveLength(1)
    await asSuperuser(db, [`update audit_anchors set refusals = '[]' where tenant = 'local' and number = 3`])
    expect(await verify(db)).toMatchObject({ broken: null, broken_anchor: { number: 3 } })
  })

  it('refuses every statement that would change it', async () => {
    await using db = await testDatabase<Schema>('orchestrator', migrations)
    await write(db, 1)
    for (const table of ['audit_log', 'audit_anchors']) {
      for (const statement of [`update ${table} set hash = ''`, `delete from ${table}`, `truncate ${table}`]) {
        await expect(db.query(`test.${statement}`, statement, []), statement).rejects.toThrow('only added to')
      }
    }
  })
})

/** Cuts off a chain so that the execution itself agrees. */
const cutOff = (id: ExecutionId, rows: number): string =>
  `with gone as (delete from audit_log where execution_id = '${id}' and seq > ${rows})
   update executions set audit_seq = ${rows}, audit_hash = (
     select hash from audit_log where execution_id = '${id}' and seq = ${rows}) where execution_id = '${id}'`

/** Names of the alerts that were raised. */
const alerts: string[] = []
const bus: Pick<Bus, 'announce'> = {
  announce: (_, [, name]) => void alerts.push(name),
}

type VerifyRequest = Partial<Parameters<ReturnType<typeof verifyAudit>>[0]>

async function verify(db: Database, asked: VerifyRequest = {}) {
  const scope = { principal: { tenant: 'local', user: 'user' } } as Parameters<ReturnType<typeof verifyAudit>>[1]
  const answer = await verifyAudit({ db, bus })({ limit: 1_000, ...asked }, scope)
  if (typeof answer === 'symbol') throw new Error('it is answered at once')
  return answer
}

async function admitAll(db: Database, executions: number) {
  const admit = openAdmissions(db)
  const ids: ExecutionId[] = []
  for (let count = 0; count < executions; count++) ids.push((await admit(chainOf(ROWS))).execution_id)
  return ids
}

function chainOf(rows: number) {
  const incoming: Incoming = {
    request: { task: 'x', mode: 'auto', priority: 'normal', dry_run: false },
    principal: { tenant: 'local', user: 'user' },
    trace: '',
    waiter: undefined,
  }
  const admission = admissionOf(newExecution(incoming, Date.now()), incoming)
  const draft = draftOf(emptySnapshot(admission.execution), Date.now())
  while (admission.audit.length + draft.audit.length < rows) record(draft, 'task.done', { name: 'a' })
  admission.audit.push(...draft.audit)
  return admission
}

/** Executions and, in one anchor, their heads. */
async function write(db: Database, executions: number): Promise<ExecutionId[]> {
  const clock = clockOf(db)
  await clock.synchronise()
  await using anchors = openAnchors({ db, log, clock })
  const admit = openAdmissions(db)
  const ids: ExecutionId[] = []
  for (let count = 0; count < executions; count++) {
    const admission = chainOf(ROWS)
    const { execution_id: id } = await admit(admission)
    anchors.moved(admission.execution)
    ids.push(id)
  }
  return ids
}

/** Without triggers, as the owner of the server can. */
async function asSuperuser(db: Database, statements: string[]): Promise<void> {
  const client = await db.pool.connect()
  try {
    await client.query('set session_replication_role = replica')
    for (const statement of statements) await client.query(statement)
  } finally {
    client.release(true)
  }
}
