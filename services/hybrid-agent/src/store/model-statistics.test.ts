// Sums over the calls to models, on a real PostgreSQL.
import { randomUUID } from 'node:crypto'
import { ExecutionId, FencingToken, TaskId } from '@deed/proto/ids'
import { listModelCalls as callsContract, modelStats as statsContract } from '@deed/proto/model'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { listModelCalls, modelStats } from '../handlers/model-calls.ts'
import { migrations } from './migrations.ts'
import { beginCall, endCall } from './model-calls.ts'

let db: TestDatabase<unknown>
beforeAll(async () => {
  db = await testDatabase<unknown>('hybrid_agent', migrations)
})
afterAll(() => db?.[Symbol.asyncDispose]())

const scope = (tenant: string) => ({ principal: { tenant, user: 'ada' } }) as never
const today = new Date().toISOString().slice(0, 10)
const executionId = ExecutionId.parse(randomUUID())

async function call(model: string, status: 'refused' | 'failed' | 'asked', tenant = 'local'): Promise<void> {
  const id = { tenant, taskId: TaskId.parse(randomUUID()), number: 1 }
  const budgets = [`day:${today}`, `department:${model}`].map((scope) => ({ scope, microusd: 1_000_000 }))
  const asked = {
    executionId,
    token: FencingToken.parse(1),
    questionHash: '',
    category: 'general' as const,
    model,
    reservedMicrousd: 100_000,
    budgets,
  }
  expect(await beginCall(db, id, asked)).toBe(true)
  if (status === 'asked') return
  const used = {
    promptTokens: 10,
    answerTokens: 5,
    microusd: 20_000,
    costUnknown: status === 'failed',
    durationMs: 100,
  }
  await endCall(db, id, { status, problem: 'no JSON', ...used })
}

it('are by day and model, with what today has cost of its budget, for one tenant alone', async () => {
  await call('large', 'refused')
  await call('large', 'failed')
  await call('small', 'asked')
  await call('small', 'refused', 'acme')
  await db.query('old', `update model_calls set asked_at = now() - interval '3 days' where status = 'failed'`, [])

  const read = async (tenant: string, days: number) =>
    statsContract.output.parse(
      await modelStats({ store: db, budget: 1 })(statsContract.input.parse({ days }), scope(tenant)),
    )
  const { days, today: now, departments } = await read('local', 30)
  const none = { asked: 0, solved: 0, refused: 0, failed: 0 }
  const figures = { calls: 1, prompt_tokens: 10, answer_tokens: 5, cost_usd: 0.02, average_ms: 100, p95_ms: 100 }
  expect(days).toMatchObject([
    { day: today, model: 'large', ...figures, cost_unknown: 0, by_status: { ...none, refused: 1 } },
    { day: today, model: 'small', calls: 1, cost_usd: 0, average_ms: null, by_status: { ...none, asked: 1 } },
    { model: 'large', ...figures, cost_unknown: 1, by_status: { ...none, failed: 1 } },
  ])
  // Two that have ended, and what the third may cost.
  expect(now).toEqual({ day: today, spent_usd: 0.14, budget_usd: 1 })
  expect(departments).toEqual([
    { department: 'large', spent_usd: 0.04 },
    { department: 'small', spent_usd: 0.1 },
  ])
  expect((await read('acme', 30)).departments).toEqual([{ department: 'small', spent_usd: 0.02 }])
  expect((await read('local', 1)).days).toHaveLength(2)
  expect((await read('acme', 30)).days).toMatchObject([{ model: 'small', calls: 1 }])
  expect((await read('nobody', 30)).today.spent_usd).toBe(0)

  const receipt = async (input: object, tenant = 'local') =>
    callsContract.output.parse(
      await listModelCalls({ store: db })(
        callsContract.input.parse({ execution_id: executionId, ...input }),
        scope(tenant),
      ),
    )
  const first = await receipt({ limit: 2 })
  const second = await receipt({ limit: 2, cursor: first.next_cursor ?? undefined })
  expect([first.calls.length, second.calls.length, second.next_cursor]).toEqual([2, 1, null])
  const all = [...first.calls, ...second.calls]
  expect(new Set(all.map(({ task_id: id }) => id)).size).toBe(3)
  expect(all.find(({ status }) => status === 'failed')).toMatchObject({
    problem: 'no JSON',
    cost_usd: 0.02,
    cost_unknown: true,
  })
  expect((await receipt({}, 'acme')).calls).toHaveLength(1)
})
