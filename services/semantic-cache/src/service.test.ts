// The cache as a service, on a real NATS server and a real PostgreSQL.
import { randomUUID } from 'node:crypto'
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import * as proto from '@deed/proto/cache'
import { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { describe, expect, it } from 'vitest'
import { answer, solution } from '../test/test-values.ts'
import { readConfig } from './config.ts'
import { startSemanticCache } from './service.ts'
import { migrations } from './store/migrations.ts'

const scope = { text: 'how many machines do we have?', context_hash: 'c' }
const acme = { principal: { tenant: 'acme', user: 'ada' } }

describe('the cache', () => {
  it('returns an entry to the tenant that put it', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('semantic_cache', migrations)
    const environment = { ...mesh.environment('semantic-cache'), DATABASE_URL: database.url }
    await using _cache = await startSemanticCache(readConfig(environment))
    const bus = await mesh.bus('orchestrator')

    expect(await bus.call(proto.getCache, scope)).toEqual({ entry: null })
    const value = answer('6 machines')
    const { entry_id } = await bus.call(proto.putCache, { ...scope, value })
    expect(await bus.call(proto.putCache, { ...scope, value })).toEqual({ entry_id })
    expect(await bus.call(proto.getCache, { ...scope, text: ' how many  machines do we have?' })).toMatchObject({
      entry: { entry_id, tier: 'exact', value: { kind: 'answer', result: { text: '6 machines' } } },
    })
    expect(await bus.call(proto.getCache, scope, acme)).toEqual({ entry: null })
    expect(await bus.call(proto.getCache, { ...scope, context_hash: 'd' })).toEqual({ entry: null })
    expect(await bus.call(proto.cacheStats, {})).toMatchObject({ entries: 1, hits: 1, misses: 2 })
    expect(await bus.call(proto.cacheStats, {}, acme)).toMatchObject({ entries: 0, hits: 0, misses: 1, hit_rate: 0 })

    const listed = await bus.call(proto.listCache, {})
    expect(listed).toMatchObject({
      entries: [{ entry_id, kind: 'answer', tier: 'exact', execution_id: value.execution_id, hits: 1 }],
      next_cursor: null,
    })
    expect(await bus.call(proto.listCache, {}, acme)).toEqual({ entries: [], next_cursor: null })
    expect(await bus.call(proto.listCache, { kind: 'solution' })).toMatchObject({ entries: [] })

    await expect(bus.call(proto.invalidateCache, {})).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await bus.call(proto.invalidateCache, { all: true }, acme)).toEqual({ removed: 0 })
    expect(await bus.call(proto.invalidateCache, { execution_id: value.execution_id })).toEqual({ removed: 1 })
    expect(await bus.call(proto.getCache, scope)).toEqual({ entry: null })
  })

  it('returns a plan for similar words with its similarity, until one that did not hold is reported', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('semantic_cache', migrations)
    const environment = { ...mesh.environment('semantic-cache'), DATABASE_URL: database.url }
    await using _cache = await startSemanticCache(readConfig(environment))
    const bus = await mesh.bus('orchestrator')
    const text = 'make a folder for the reports'
    await bus.call(proto.putCache, { ...scope, text, value: solution('reports') })
    const similar = { ...scope, text: 'Could you make a folder for the reports?' }
    // Where PostgreSQL is slow, it is a miss.
    const found = await until(async () => (await bus.call(proto.getCache, similar)).entry ?? undefined)
    expect({ entry: found }).toMatchObject({
      entry: { tier: 'semantic', value: { kind: 'solution' }, similar: { text, way: 'words', certificate: null } },
    })
    expect(await bus.call(proto.getCache, { ...similar, language: 'go' })).toEqual({ entry: null })
    expect(await bus.call(proto.getCache, { ...similar, context_hash: 'd' })).toEqual({ entry: null })
    expect(await bus.call(proto.getCache, similar, acme)).toEqual({ entry: null })
    expect(await bus.call(proto.judgeCache, { ...similar, held: false })).toEqual({ judged: true })
    expect(await bus.call(proto.getCache, similar)).toEqual({ entry: null })
    expect(await bus.call(proto.cacheStats, {})).toMatchObject({
      ...{ hits: 1, similar_hits: 1, wrong_hits: { judged: 0, wrong: 0, wrong_max: 1 } },
      scopes: [{ kind: 'solution', way: 'words', judged: 1, wrong: 1, open: false }],
    })
  })

  it('removes an answer that is reported as wrong, for its own words and for similar ones', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('semantic_cache', migrations)
    const environment = { ...mesh.environment('semantic-cache'), DATABASE_URL: database.url }
    await using _cache = await startSemanticCache(readConfig(environment))
    const bus = await mesh.bus('deed')
    const { entry_id } = await bus.call(proto.putCache, { ...scope, value: answer('6 machines') })
    expect(await bus.call(proto.reportCache, { entry_id }, acme)).toEqual({ removed: 0, closed: false })
    const similar = { scope: 'a'.repeat(64), similarity: 0.9 }
    expect(await bus.call(proto.reportCache, { entry_id, similar })).toEqual({ removed: 1, closed: true })
    expect(await bus.call(proto.reportCache, { entry_id, similar })).toEqual({ removed: 0, closed: true })
    expect(await bus.call(proto.getCache, scope)).toEqual({ entry: null })
  })

  it('lists its entries a page at a time, newest first, each once', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('semantic_cache', migrations)
    const environment = { ...mesh.environment('semantic-cache'), DATABASE_URL: database.url }
    await using _cache = await startSemanticCache(readConfig(environment))
    const bus = await mesh.bus('orchestrator')
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      const put = { ...scope, text: `how many are ${n}?`, value: answer(`${n}`) }
      ids.unshift((await bus.call(proto.putCache, put)).entry_id)
    }
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await bus.call(proto.listCache, { limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      expect(page.entries.length).toBeLessThanOrEqual(2)
      seen.push(...page.entries.map(({ entry_id: id }) => id))
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    expect(seen).toEqual(ids)
    // As one that is stored after a statement began that sees it.
    await database.pool.query(`update entries set stored_at = now() + interval '1 minute'`)
    expect((await bus.call(proto.listCache, {})).entries[0]).toMatchObject({ age_ms: 0 })
    await expect(bus.call(proto.listCache, { cursor: "1.x'; drop table" })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('lets one of two callers compute, across two replicas', async () => {
    await using mesh = await testBus()
    await using database = await testDatabase('semantic_cache', migrations)
    const environment = { ...mesh.environment('semantic-cache'), DATABASE_URL: database.url }
    await using _one = await startSemanticCache(readConfig(environment))
    await using _other = await startSemanticCache(readConfig(environment))
    const bus = await mesh.bus('orchestrator')
    const execution = () => ExecutionId.parse(randomUUID())
    const asked = Array.from({ length: 20 }, () =>
      bus.call(proto.reserveCache, { ...scope, execution_id: execution() }),
    )
    const led = await Promise.race(asked)
    expect(led).toMatchObject({ state: 'lead' })
    await bus.call(proto.putCache, { ...scope, value: answer('6 machines') })
    const states = (await Promise.all(asked)).map(({ state }) => state)
    expect(states.filter((state) => state === 'lead')).toHaveLength(1)
  })
})
