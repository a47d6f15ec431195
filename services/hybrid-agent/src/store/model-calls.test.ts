// Concurrent calls for the last of a budget, on a real PostgreSQL.
import { randomUUID } from 'node:crypto'
import { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { migrations } from './migrations.ts'
import { type Budget, beginCall, type CallId, endCall } from './model-calls.ts'
import { pruneModelCalls } from './prune-model-calls.ts'

const DOLLAR = 1_000_000
const day = (microusd: number): Budget => ({ scope: 'day:2026-11-21', microusd })
const callId = (): CallId => ({ tenant: 'local', taskId: TaskId.parse(randomUUID()), number: 1 })

function call(reservedMicrousd: number, budgets: readonly Budget[]) {
  const executionId = ExecutionId.parse(randomUUID())
  return {
    executionId,
    token: FencingToken.parse(1),
    questionHash: '',
    model: 'paid',
    category: 'general' as const,
    reservedMicrousd,
    budgets,
  }
}

const refused = { status: 'refused', problem: '', promptTokens: 1, answerTokens: 1, durationMs: 1 } as const

describe('a budget', () => {
  it('is never overdrawn by a hundred calls for its last dollar, and unused reservations are returned once', async () => {
    await using db = await testDatabase<unknown>('hybrid_agent', migrations)
    const spent = async (): Promise<unknown> =>
      (await db.query<{ spent: number }>('spent', 'select spent_microusd::int as spent from budgets', []))[0]?.spent
    const ids = Array.from({ length: 100 }, callId)
    const begun = await Promise.allSettled(ids.map((id) => beginCall(db, id, call(150_000, [day(DOLLAR)]))))
    const mine = ids.filter((_, index) => begun[index]?.status === 'fulfilled')
    expect(mine).toHaveLength(6)
    for (const one of begun) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'budget_exceeded', retryable: false })
    }
    expect(await spent()).toBe(900_000)
    // Refused calls leave no row.
    expect(await db.query('calls', 'select from model_calls', [])).toHaveLength(6)

    const end = (id: CallId) => endCall(db, id, { ...refused, microusd: 50_000, costUnknown: false })
    await Promise.all(mine.flatMap((id) => [end(id), end(id)]))
    expect(await spent()).toBe(300_000)
  })

  it('of a request is checked together with the daily budget: both have room, or neither is charged', async () => {
    await using db = await testDatabase<unknown>('hybrid_agent', migrations)
    const request: Budget = { scope: 'execution:1', microusd: 100_000 }
    expect(await beginCall(db, callId(), call(100_000, [day(DOLLAR), request]))).toBe(true)
    await expect(beginCall(db, callId(), call(1, [day(DOLLAR), request]))).rejects.toMatchObject({
      code: 'budget_exceeded',
    })
    const rows = await db.query<object>(
      'all',
      'select scope, spent_microusd::int as spent from budgets order by scope',
      [],
    )
    expect(rows).toEqual([
      { scope: 'day:2026-11-21', spent: 100_000 },
      { scope: 'execution:1', spent: 100_000 },
    ])
  })

  it('admits calls without cost, however little is left', async () => {
    await using db = await testDatabase<unknown>('hybrid_agent', migrations)
    expect(await beginCall(db, callId(), call(0, [day(0)]))).toBe(true)
  })

  it('is unchanged if another process has begun the call', async () => {
    await using db = await testDatabase<unknown>('hybrid_agent', migrations)
    const id = callId()
    expect(await beginCall(db, id, call(400_000, [day(DOLLAR)]))).toBe(true)
    expect(await beginCall(db, id, call(400_000, [day(DOLLAR)]))).toBe(false)
    expect(await db.query('spent', 'select from budgets where spent_microusd = 400000', [])).toHaveLength(1)
  })
})

it('old calls are pruned all at once, however many there are, and younger ones stay', async () => {
  await using db = await testDatabase<unknown>('hybrid_agent', migrations)
  await db.query('schema', 'create schema orchestrator', [])
  await db.query('dispatch', 'create table orchestrator.dispatch (task_id uuid)', [])
  await db.query(
    'calls',
    `insert into model_calls (task_id, call_number, execution_id, token, question_hash, model, category, status, asked_at)
     select gen_random_uuid(), 1, gen_random_uuid(), 1, '', 'm', 'code', 'failed',
       case when n <= 12000 then timestamptz '2020-01-01' else now() end
     from generate_series(1, 12003) n`,
    [],
  )
  expect(await pruneModelCalls(db, Date.parse('2021-01-01'))).toBe(12_000)
  expect(await db.query('left', 'select from model_calls', [])).toHaveLength(3)
})
