// The chain of models under one deadline and one budget: on a real PostgreSQL, with servers that fail on purpose.
import { randomUUID } from 'node:crypto'
import { parseExecutionConfig } from '@deed/config/execution-config'
import { workSolve } from '@deed/proto/agent'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiCall, type FakeApiAnswer, startFakeApis } from '../../../../test/fake-apis/start-fake-apis.ts'
import { type FakeAnswer, startFakeOllama } from '../../../../test/fake-ollama/start-fake-ollama.ts'
import type { Gathered } from '../context/gather-context.ts'
import { circuitBreaker } from '../models/circuit-breaker.ts'
import { offeredModels } from '../models/offered-models.ts'
import { migrations } from '../store/migrations.ts'
import { type SolveDependencies, solveTask } from './solve-task.ts'

const KEY = 'key-of-a-test-that-nobody-knows'
const PLAN = {
  actions: [{ kind: 'file.write', name: 'write', title: 'write it', input: { path: 'a.txt', content: 'x' } }],
}
/** Dollars per million tokens, so microdollars per token. */
const PRICE = { prompt_usd_per_million: 1, answer_usd_per_million: 10 }
const API_MODELS = ['anthropic/first', 'openai/second']
const BUDGET_USD = 2

let db: TestDatabase<unknown>
beforeAll(async () => {
  db = await testDatabase<unknown>('hybrid_agent', migrations)
})
afterAll(() => db?.[Symbol.asyncDispose]())

interface World {
  local: () => FakeAnswer
  api: (call: ApiCall, index: number) => FakeApiAnswer
  models?: object
  gathered?: Gathered
}

async function startWorld({ local, api, models = {}, gathered = { items: [], missing: [] } }: World) {
  await using opened = new AsyncDisposableStack()
  const ollama = opened.use(await startFakeOllama({ answer: local }))
  const apis = opened.use(await startFakeApis(api))
  const world = parseExecutionConfig(
    JSON.stringify({
      models: {
        ...{ ollama_host: ollama.url, api_models: API_MODELS, api_urls: apis.urls, default_timeout_seconds: 30 },
        prices: Object.fromEntries(API_MODELS.map((model) => [model, PRICE])),
        ...models,
      },
    }),
  )
  const tenant = `t-${randomUUID()}`
  const dependencies: SolveDependencies = {
    ...{ store: db, world, models: world.models, log: createLogger('hybrid-agent'), breaker: circuitBreaker() },
    offered: offeredModels(world.models, { anthropic: KEY, openai: KEY }),
    gather: async () => gathered,
    suggest: () => [],
  }
  const kept = opened.move()
  return {
    apis,
    ollama,
    solve: (description: string) => {
      const ids = { task_id: randomUUID(), execution_id: randomUUID(), tenant, token: 1 }
      const work = workSolve.payload.parse({ ...ids, task: { description } })
      return solveTask(dependencies, work, '', new AbortController().signal)
    },
    rows: () =>
      db.query<{ model: string; status: string; problem: string | null; cost: number; reserved: number }>(
        'rows',
        `select model, status, problem, cost_microusd::int as cost, reserved_microusd::int as reserved
           from model_calls where tenant = $1 order by asked_at, call_number`,
        [tenant],
      ),
    budgets: () =>
      db.query<{ spent: number; most: number }>(
        'budgets',
        'select spent_microusd::int as spent, limit_microusd::int as most from budgets where tenant = $1',
        [tenant],
      ),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

describe('a chain of models', () => {
  it('ends with the answer of a healthy model where the models before it hang', async () => {
    await using world = await startWorld({
      local: () => ({ fault: 'hang' }),
      api: ({ provider }) => (provider === 'anthropic' ? { fault: 'hang' } : { json: PLAN }),
      models: { default_timeout_seconds: 4 },
    })
    expect(await world.solve('leave a note')).toMatchObject({ model: 'openai/second', spent: { tokens: 18 } })
    expect(await world.rows()).toMatchObject([
      { model: 'fake:latest', status: 'failed', problem: expect.stringContaining('in time') },
      { model: 'anthropic/first', status: 'failed', problem: expect.stringContaining('in time') },
      { model: 'openai/second', status: 'solved' },
    ])
  })

  it.each<[string, FakeApiAnswer, string[]]>([
    ['is refused', { status: 401, message: `no such key: ${KEY}` }, ['failed', 'solved']],
    ['dies in mid-stream', { fault: 'cut' }, ['failed', 'solved']],
    ['streams 100 MB', { fault: 'huge', bytes: 100 * 1024 * 1024 }, ['failed', 'solved']],
    ['writes prose, and again when it is shown the problem', 'I have done it.', ['refused', 'refused', 'solved']],
    [
      'invents a kind, and again when it is shown the problem',
      { json: { actions: [{ ...PLAN.actions[0], kind: 'world.end' }] } },
      ['refused', 'refused', 'solved'],
    ],
  ])('continues with the next model where one %s', async (_, answer, statuses) => {
    await using world = await startWorld({
      local: () => ({ fault: 'error' }),
      api: ({ provider }) => (provider === 'anthropic' ? answer : { json: PLAN }),
    })
    expect(await world.solve('leave a note')).toMatchObject({ model: 'openai/second' })
    const rows = await world.rows()
    expect(rows.slice(1).map(({ status }) => status)).toEqual(statuses)
    expect(JSON.stringify(rows)).not.toContain(KEY)
  })

  it('asks no API where fallback_to_api is false, and no API model without a price', async () => {
    for (const models of [{ fallback_to_api: false }, { prices: {} }]) {
      await using world = await startWorld({ local: () => ({ fault: 'error' }), api: () => ({ json: PLAN }), models })
      expect(await world.solve('leave a note')).toMatchObject({ error: { code: 'no_solution' } })
      expect(world.apis.calls).toEqual([])
    }
  })
})

describe('what a model knows besides the task', () => {
  const similar = { source: 'similar_code' as const, of: 'src/a.ts:1', text: 'export const a = 1', value: 0.8 }

  it('is data in the message of the user, makes the plan untrusted, and is reported with the solution by name and size', async () => {
    const gathered = { items: [similar], missing: ['memories: nobody answers'] }
    await using world = await startWorld({ local: () => ({ json: PLAN }), api: () => ({ json: PLAN }), gathered })
    const solved = await world.solve('leave a note')
    expect(solved).toMatchObject({
      solution: { actions: [{ action: { untrusted_sources: ['known.similar_code'] } }] },
      context: { items: [{ source: 'similar_code', of: 'src/a.ts:1' }], leftOut: 0, missing: gathered.missing },
    })
    const [system, user] = world.ollama.calls[0]!.messages as { role: string; content: string }[]
    expect(system!.content).not.toContain('export const a')
    const { source, of, text } = similar
    expect(JSON.parse(user!.content)).toMatchObject({ task: 'leave a note', known: [{ source, of, text }] })
  })

  it('leaves a plan trusted where all of it is in words of Deed', async () => {
    const facts = { source: 'workspace_facts' as const, of: 'workspace', text: '3 files: Go in 3 files.', value: 0.9 }
    const gathered = { items: [facts], missing: [] }
    await using world = await startWorld({ local: () => ({ json: PLAN }), api: () => ({ json: PLAN }), gathered })
    const solved = await world.solve('leave a note')
    expect(solved).toMatchObject({ context: { items: [{ source: 'workspace_facts' }] } })
    expect(JSON.stringify(solved)).not.toContain('untrusted_sources')
  })

  it('never makes the prompt larger than the window of the local server', async () => {
    const items = Array.from({ length: 40 }, (_, n) => ({
      ...similar,
      of: `src/${n}.ts`,
      text: `const x${n} = 1\n`.repeat(150),
    }))
    await using world = await startWorld({
      ...{ local: () => ({ json: PLAN }), api: () => ({ json: PLAN }), gathered: { items, missing: [] } },
    })
    const solved = await world.solve('leave a note')
    const context = 'context' in solved ? solved.context : undefined
    expect(context?.leftOut).toBeGreaterThan(0)
    expect(context?.items.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(4_096)
  })
})

describe('a budget', () => {
  it('is never overrun by 200 concurrent tasks whose first models fail and whose fallbacks cost', async () => {
    let billed = 0
    await using world = await startWorld({
      local: () => ({ fault: 'error' }),
      api({ provider }, index) {
        if (provider === 'anthropic') return index % 3 === 0 ? { fault: 'error' } : { fault: 'cut' }
        const answerTokens = 1_000 + (index % 7) * 1_000
        billed += 500 * PRICE.prompt_usd_per_million + answerTokens * PRICE.answer_usd_per_million
        return { json: PLAN, promptTokens: 500, answerTokens }
      },
      models: { budget_usd_per_day: BUDGET_USD },
    })
    const ends = await Promise.all(Array.from({ length: 200 }, (_, index) => world.solve(`leave note ${index}`)))
    const rows = await world.rows()
    const charged = rows.reduce((sum, { cost }) => sum + cost, 0)
    expect(rows.filter(({ status }) => status === 'asked')).toEqual([])
    // Reservations are returned to the microdollar, and what the provider counts is within the limit.
    expect(await world.budgets()).toEqual([{ spent: charged, most: BUDGET_USD * 1_000_000 }])
    expect(charged).toBeLessThanOrEqual(BUDGET_USD * 1_000_000)
    expect(billed).toBeLessThanOrEqual(charged)
    const solved = ends.filter((end) => 'solution' in end)
    expect(solved.length).toBeGreaterThan(0)
    expect(solved.length).toBeLessThan(200)
    expect(ends.some((end) => 'error' in end && /budget/.test(end.error.message))).toBe(true)
  }, 300_000)
})
