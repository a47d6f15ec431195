// A real PostgreSQL and a real NATS; the time is an argument. Somebody answers as the executor, and may be away.
import { randomBytes, randomUUID } from 'node:crypto'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { testBus } from '@deed/local/test-bus'
import { forgetActions } from '@deed/proto/action'
import type { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { replyOf } from '../answers/answer.ts'
import { draftOf } from '../execution/draft.ts'
import { admissionOf, type Incoming, newExecution } from '../execution/new-execution.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { rolledBack } from '../reconcile/ending.ts'
import { loadSnapshot, openAdmissions } from '../store/executions.ts'
import { markFollowedUp } from '../store/followed-up.ts'
import { migrations } from '../store/migrations.ts'
import type { Database, Schema } from '../store/schema.ts'
import { retainOnce } from './retention.ts'

const DAY_MS = 86_400_000
const retention: ExecutionConfig['retention'] = {
  executions_days: 30,
  executions_max: 100,
  undo_days: 60,
  model_calls_days: 30,
  alerts_days: 30,
}
const EVIDENCE = {
  kind: 'observed',
  outcome: 'verified',
  claimed: 'wrote it',
  observed: 'it is there',
  observed_at: '2026-01-01T00:00:00.000Z',
  facts: { sha256: 'x'.repeat(64) },
}

describe('retention', () => {
  it('removes the bodies of what ended long ago, and still answers for their keys', async () => {
    await using setting = await settingUp()
    const { db, forgotten, at } = setting
    const read = await execution(db, { status: 'done', effect: 'none' })
    const changed = await execution(db, { status: 'done', effect: 'made' })
    const live = await execution(db, { status: 'running', effect: 'made' })
    const notFollowedUp = await execution(db, { status: 'done', effect: 'none', followed_up: false })

    expect(await at(29)).toBe(0)
    expect(await at(31)).toBe(1)
    expect(forgotten).toEqual([read])
    // Until then it could be rolled back.
    expect(await at(59)).toBe(0)
    expect(await at(61)).toBe(1)
    expect(forgotten).toEqual([read, changed])
    expect(await at(10_000)).toBe(0)

    for (const id of [read, changed]) {
      const snapshot = await loadSnapshot(db, id)
      expect(snapshot?.tasks.size).toBe(0)
      const { facts, ...evidence } = EVIDENCE
      expect(replyOf(snapshot!, 0)).toMatchObject({
        status: 'done',
        result: { text: 'wrote it' },
        metrics: { success: true },
        verification: [evidence],
      })
      expect(snapshot?.execution).toMatchObject({ idempotency_key: `key of ${id}`, request: { task: '(removed)' } })
      expect(() => rolledBack(draftOf(snapshot!, 0), { by: 'ada', reason: null })).toThrow('retention')
      expect(await auditRows(db, id)).toBeGreaterThan(0)
    }
    for (const id of [live, notFollowedUp]) {
      expect((await loadSnapshot(db, id))?.tasks.size).toBe(1)
    }
  })

  it('keeps the newest of a tenant where there are more, and whatever can still be rolled back', async () => {
    await using setting = await settingUp()
    const { db, forgotten, at } = setting
    const oldest = await execution(db, { status: 'done', effect: 'none' })
    const changed = await execution(db, { status: 'done', effect: 'made' })
    const live = await execution(db, { status: 'running', effect: 'none' })
    const old = await execution(db, { status: 'failed', effect: 'none' })
    const newest = await execution(db, { status: 'done', effect: 'none' })
    expect(await at(1, { executions_max: 5 })).toBe(0)
    expect(await at(2, { executions_max: 1 })).toBe(2)
    expect(forgotten).toEqual([oldest, old])
    for (const id of [changed, live, newest]) expect((await loadSnapshot(db, id))?.tasks.size).toBe(1)
    expect(await at(3, { executions_max: 1 })).toBe(0)
  })

  it('keeps the newest of a tenant that fit into a size, and whatever can still be rolled back', async () => {
    await using setting = await settingUp()
    const { db, forgotten, at } = setting
    const large = { text: 'x', data: { bytes: randomBytes(150_000).toString('hex') } }
    const oldest = await execution(db, { status: 'done', effect: 'none' })
    const changed = await execution(db, { status: 'done', effect: 'made' })
    const beyond = await execution(db, { status: 'done', effect: 'none', result: large })
    const live = await execution(db, { status: 'running', effect: 'none', result: large })
    const fits = await execution(db, { status: 'done', effect: 'none', result: large })
    const newest = await execution(db, { status: 'failed', effect: 'none' })
    expect(await at(1)).toBe(0)
    expect(await at(2, { executions_max_mb: 10 })).toBe(0)
    // One of 300 kB and what is small fit; a second one of 300 kB, and all before it, do not.
    expect(await at(3, { executions_max_mb: 0.5 })).toBe(2)
    expect(forgotten).toEqual([oldest, beyond])
    for (const id of [changed, live, fits, newest]) expect((await loadSnapshot(db, id))?.tasks.size).toBe(1)
    expect(await at(4, { executions_max_mb: 0.5 })).toBe(0)
  })

  it('continues with what was marked when the executor was away', async () => {
    await using setting = await settingUp({ away: true })
    const { db, forgotten, at, executorComes } = setting
    const id = await execution(db, { status: 'failed', effect: 'none' })
    await expect(at(31)).rejects.toMatchObject({ code: 'unavailable' })
    expect((await loadSnapshot(db, id))?.tasks.size).toBe(1)
    await executorComes()
    expect(await at(31.1)).toBe(1)
    expect(forgotten).toEqual([id])
  })

  it('runs at one replica, once in a while', async () => {
    await using setting = await settingUp()
    const { at } = setting
    expect(await Promise.all([at(31), at(31), at(31)])).toEqual(expect.arrayContaining([0, undefined, undefined]))
    expect(await at(31 + 1 / 48)).toBeUndefined()
    expect(await at(31 + 1 / 24)).toBe(0)
  })
})

async function settingUp({ away = false } = {}) {
  await using opened = new AsyncDisposableStack()
  const mesh = opened.use(await testBus())
  const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
  const bus = await mesh.bus('orchestrator')
  const forgotten: ExecutionId[] = []
  const executorComes = async (): Promise<void> => {
    const executor = await mesh.bus('executor')
    executor.serve(forgetActions, async ({ execution_ids: ids }) => {
      forgotten.push(...ids)
      return { actions: ids.length }
    })
    await executor.nc.flush()
  }
  if (!away) await executorComes()
  const began = Date.now()
  const kept = opened.move()
  return {
    db,
    forgotten,
    executorComes,
    at: (days: number, other: Partial<typeof retention> = {}) =>
      retainOnce({ db, bus, retention: { ...retention, ...other } }, began + days * DAY_MS),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

let now = Date.now()

async function execution(
  db: Database,
  {
    status,
    effect,
    followed_up = true,
    result = { text: 'wrote it', data: { bytes: 64 } },
  }: {
    status: 'done' | 'failed' | 'running'
    effect: 'none' | 'made'
    followed_up?: boolean
    result?: ExecutionRow['result']
  },
): Promise<ExecutionId> {
  const incoming: Incoming = {
    request: { task: 'write it', mode: 'auto', priority: 'normal', dry_run: false },
    principal: { tenant: 'local', user: 'user' },
    trace: '',
    waiter: undefined,
  }
  // None of the same millisecond as the one before: its id tells which is older.
  const row = newExecution(incoming, ++now)
  const { execution_id: id } = row
  row.idempotency_key = `key of ${id}`
  row.status = status
  row.result = result
  row.finished_at = status === 'running' ? null : row.created_at
  await openAdmissions(db)(admissionOf(row, incoming))
  const taskId = randomUUID()
  await db.query(
    'test.task',
    `with desired as (
       insert into desired_state (task_id, execution_id, position, name, title, task_kind, capability, desired_status)
       values ($1, $2, 0, 'write', 'write it', 'act', 'act', 'done'))
     insert into actual_state (task_id, execution_id, task_kind, actual_status, effect, verification)
     values ($1, $2, 'act', 'done', $3, $4)`,
    [taskId, id, effect, JSON.stringify(EVIDENCE)],
  )
  if (followed_up && status !== 'running') await markFollowedUp(db, [{ execution_id: id, audit_seq: row.audit_seq }])
  return id
}

async function auditRows(db: Database, id: ExecutionId): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'test.audit',
    'select count(*)::int as count from audit_log where execution_id = $1',
    [id],
  )
  return row?.count ?? 0
}
