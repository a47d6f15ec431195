// Replicas of the cache on one real PostgreSQL.
import { randomUUID } from 'node:crypto'
import { until } from '@deed/process/until'
import { ExecutionId } from '@deed/proto/ids'
import { openDatabase } from '@deed/store/database'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { answer, solution } from '../../test/test-values.ts'
import { cacheKey } from '../entry/cache-key.ts'
import { migrations } from '../store/migrations.ts'
import { type ExactTier, openExactTier } from './exact-tier.ts'
import { reservations } from './reservations.ts'

const key = (text: string, tenant = 'local', context_hash = '') => cacheKey(tenant, { text, context_hash })
const execution = () => ExecutionId.parse(randomUUID())
const soon = () => performance.now() + 20_000

describe('cache entries', () => {
  it('are found by other replicas and after a restart, and by no other tenant', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.tiers
    await one.keep(key('a'), answer('six'), undefined)
    await until(async () => (await other.find(key('a')))?.value.kind === 'answer')
    for (const wrong of [key('b'), key('a', 'acme'), key('a', 'local', 'other')]) {
      expect(await other.find(wrong)).toBeUndefined()
    }
    const restarted = await cache.another()
    expect((await restarted.find(key('a')))?.value).toMatchObject({ result: { text: 'six' } })
  })

  it('are replaced everywhere by newer ones', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.tiers
    await one.keep(key('a'), answer('six'), undefined)
    await until(async () => (await other.find(key('a'))) !== undefined)
    await one.keep(key('a'), answer('seven'), undefined)
    await until(async () => JSON.stringify(await other.find(key('a')))?.includes('seven') === true)
  })

  it('are removed from all replicas when they are invalidated', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.tiers
    const kept = await one.keep(key('a'), answer('six'), undefined)
    await one.keep(key('a', 'acme'), answer('sixty'), undefined)
    await until(async () => (await other.find(key('a'))) !== undefined)
    expect(await other.forget('acme', { entryId: kept.entryId })).toBe(0)
    expect(await one.forget('local', { entryId: kept.entryId })).toBe(1)
    await until(async () => (await other.find(key('a'))) === undefined)
    expect(await one.find(key('a'))).toBeUndefined()
    expect(await other.forget('acme', { all: true })).toBe(1)
    await until(async () => (await one.find(key('a', 'acme'))) === undefined)
  })

  it('expire', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.tiers
    await one.keep(key('a'), answer('six'), 2_000)
    await one.keep(key('a'), solution('x'), undefined)
    expect((await one.find(key('a')))?.value.kind).toBe('answer')
    for (const tier of [one, other]) await until(async () => (await tier.find(key('a')))?.value.kind === 'solution')
  })

  it('cost PostgreSQL no query if the key is unknown', async () => {
    await using cache = await replicas(1)
    const [tier] = cache.tiers
    for (let index = 0; index < 100; index++) expect(await tier.find(key(`question ${index}`))).toBeUndefined()
    expect(await cache.queries()).toBe(0)
  })

  it.each([
    ['another text', { text: 'b' }],
    ['another context', { context_hash: 'other' }],
    ['another language', { language: 'go' }],
    ['an invalid value', { value: JSON.stringify({ success: true }) }],
    ['an answer that was not verified', { value: JSON.stringify(answer('six', 'unverified')) }],
    ['a value of another kind', { value: JSON.stringify(solution('x')) }],
  ])('written by hand with %s are removed and not served', async (_, change) => {
    await using cache = await replicas(1)
    const row = { text: 'a', context_hash: '', language: null, value: JSON.stringify(answer('six')), ...change }
    await cache.sql(
      `insert into entries (tenant, key_hash, kind, entry_id, text, language, context_hash, value, execution_id, bytes, expires_at)
       values ('local', $1, 'answer', gen_random_uuid(), $2, $3, $4, $5, gen_random_uuid(), 1, now() + interval '1 hour')`,
      [key('a').hash, row.text, row.language, row.context_hash, row.value],
    )
    const tier = await cache.another()
    expect(await tier.find(key('a'))).toBeUndefined()
    expect(await cache.sql('select 1 from entries', [])).toHaveLength(0)
  })

  it('are served if they are written by hand and valid', async () => {
    await using cache = await replicas(1)
    await cache.sql(
      `insert into entries (tenant, key_hash, kind, entry_id, text, context_hash, value, execution_id, bytes, expires_at)
       values ('local', $1, 'answer', gen_random_uuid(), 'a', '', $2, gen_random_uuid(), 1, now() + interval '1 hour')`,
      [key('a').hash, JSON.stringify(answer('six'))],
    )
    const tier = await cache.another()
    expect((await tier.find(key('a')))?.value).toMatchObject({ result: { text: 'six' } })
  })

  it('are refused if an answer was not verified', async () => {
    await using cache = await replicas(1)
    await expect(cache.tiers[0].keep(key('a'), answer('six', 'failed'), undefined)).rejects.toMatchObject({
      code: 'evidence_missing',
    })
    expect(await cache.tiers[0].find(key('a'))).toBeUndefined()
  })

  it('are evicted from the table by size, the oldest first', async () => {
    await using cache = await replicas(1, { bytesMax: 20_000 })
    const [tier] = cache.tiers
    for (let index = 0; index < 40; index++) await tier.keep(key(`q ${index}`), answer('x'.repeat(1_000)), undefined)
    await until(
      async () => Number((await cache.sql('select sum(bytes)::int as sum from entries', []))[0]?.sum) <= 20_000,
    )
    expect(await cache.sql(`select 1 from entries where text = 'q 39'`, [])).toHaveLength(1)
    expect(await cache.sql(`select 1 from entries where text = 'q 0'`, [])).toHaveLength(0)
    expect(tier.evictions).toBeGreaterThan(0)
  })

  it('stay in memory, and are found again, when PostgreSQL drops its connections', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.tiers
    await one.keep(key('a'), answer('six'), undefined)
    await cache.killConnections()
    await until(async () => (await one.find(key('a'))) !== undefined)
    await until(async () => {
      await one.keep(key('b'), answer('seven'), undefined)
      return (await cache.sql(`select 1 from entries where text = 'b'`, [])).length === 1
    })
    await until(async () => (await other.find(key('b'))) !== undefined)
  })
})

describe('without PostgreSQL', () => {
  it('serves from memory, misses everything else, and recovers when PostgreSQL is back', async () => {
    await using cache = await replicas(1)
    await using elsewhere = await testDatabase('semantic_cache', migrations)
    const [tier] = cache.tiers
    const flight = reservations({ tier, store: cache.stores[0]!, log })
    await tier.keep(key('a'), answer('six'), undefined)
    const connections = (allowed: boolean) =>
      elsewhere.pool.query(`alter database ${cache.name} allow_connections ${allowed}`)

    await connections(false)
    await elsewhere.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      cache.name,
    ])
    expect((await tier.find(key('a')))?.value).toMatchObject({ result: { text: 'six' } })
    expect(await tier.find(key('b'))).toBeUndefined()
    expect(await flight.reserve(key('c'), execution(), soon())).toHaveProperty('leadMs')
    await tier.keep(key('c'), answer('seven'), undefined)
    expect(await flight.reserve(key('c'), execution(), soon())).toHaveProperty('entry')
    await expect(tier.forget('local', { all: true })).rejects.toMatchObject({ code: 'unavailable' })

    await connections(true)
    await until(async () => {
      await tier.keep(key('d'), answer('eight'), undefined)
      return (await cache.sql(`select 1 from entries where text = 'd'`, [])).length === 1
    })
    await until(async () => (await tier.find(key('a'))) !== undefined)
  })
})

describe('a reservation', () => {
  it('lets one of many callers compute, across two replicas, and gives all of them its result', async () => {
    await using cache = await replicas(2)
    const flights = cache.tiers.map((tier, index) => reservations({ tier, store: cache.stores[index]!, log }))
    const asked = Array.from({ length: 100 }, (_, index) => flights[index % 2]!.reserve(key('a'), execution(), soon()))
    let leaders = 0
    const done = asked.map(async (reserved) => {
      const result = await reserved
      if ('entry' in result) return result.entry.value
      leaders++
      await cache.tiers[0].keep(key('a'), answer('six'), undefined)
      return undefined
    })
    const values = (await Promise.all(done)).filter((value) => value !== undefined)
    expect(leaders).toBe(1)
    expect(values).toHaveLength(99)
    for (const value of values) expect(value).toMatchObject({ result: { text: 'six' } })
  })

  it('passes to a waiting caller when the leader releases it, in any replica', async () => {
    await using cache = await replicas(2)
    const [here, there] = cache.tiers.map((tier, index) =>
      reservations({ tier, store: cache.stores[index]!, log, leaseMs: 20_000 }),
    )
    const leader = execution()
    expect(await here!.reserve(key('a'), leader, soon())).toMatchObject({ leadMs: 20_000 })
    expect(await here!.reserve(key('a'), leader, soon())).toHaveProperty('leadMs')
    const waiting = [here!.reserve(key('a'), execution(), soon()), there!.reserve(key('a'), execution(), soon())]
    expect(await there!.release(key('a'), execution())).toBe(false)
    expect(await here!.release(key('a'), leader)).toBe(true)
    expect(await Promise.race(waiting)).toHaveProperty('leadMs')
    await cache.tiers[1].keep(key('a'), answer('six'), undefined)
    expect((await Promise.all(waiting)).filter((result) => 'entry' in result)).toHaveLength(1)
  })

  it('passes on when the leader has died', async () => {
    await using cache = await replicas(2)
    const [here, there] = cache.tiers.map((tier, index) =>
      reservations({ tier, store: cache.stores[index]!, log, leaseMs: 200 }),
    )
    await here!.reserve(key('a'), execution(), soon())
    expect(await there!.reserve(key('a'), execution(), soon())).toHaveProperty('leadMs')
    expect(await here!.reserve(key('a'), execution(), soon())).toHaveProperty('leadMs')
  })

  it('tells a caller at its deadline to compute by itself', async () => {
    await using cache = await replicas(1)
    const flight = reservations({ tier: cache.tiers[0], store: cache.stores[0]!, log })
    await flight.reserve(key('a'), execution(), soon())
    await expect(flight.reserve(key('a'), execution(), performance.now() + 200)).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
  })

  it.each([
    ['once', 0],
    ['twice if the first leader dies', 1],
  ])(
    'makes 1,000 equal requests over three replicas compute %s',
    async (_, deaths) => {
      await using cache = await replicas(3)
      const flights = cache.tiers.map((tier, at) =>
        reservations({ tier, store: cache.stores[at]!, log, leaseMs: 3_000 }),
      )
      let computed = 0
      const requests = Array.from({ length: 1_000 }, async (_, n) => {
        const at = n % flights.length
        const reserved = await flights[at]!.reserve(key('a'), execution(), performance.now() + 60_000)
        // A leader that dies neither stores nor releases.
        if ('leadMs' in reserved && ++computed > deaths) await cache.tiers[at]!.keep(key('a'), answer('six'), undefined)
        return 'entry' in reserved
      })
      const served = (await Promise.all(requests)).filter(Boolean)
      expect(computed).toBe(1 + deaths)
      expect(served).toHaveLength(1_000 - computed)
    },
    90_000,
  )

  it('is not needed if the entry exists already', async () => {
    await using cache = await replicas(1)
    await cache.tiers[0].keep(key('a'), answer('six'), undefined)
    const flight = reservations({ tier: cache.tiers[0], store: cache.stores[0]!, log })
    expect(await flight.reserve(key('a'), execution(), soon())).toHaveProperty('entry')
  })
})

const log = createLogger('test')

async function replicas(count: number, { bytesMax = 10_000_000 } = {}) {
  await using opened = new AsyncDisposableStack()
  const database = opened.use(await testDatabase('semantic_cache', migrations))
  const stores: Awaited<ReturnType<typeof openDatabase>>[] = []
  const open = async (): Promise<ExactTier> => {
    const store = opened.use(
      await openDatabase({ url: database.url, schema: 'semantic_cache', migrations, poolMax: 4, log }),
    )
    stores.push(store)
    return opened.use(await openExactTier({ store, bytesMax, answerTtlMs: 60_000, log }))
  }
  const tiers: ExactTier[] = []
  for (let index = 0; index < count; index++) tiers.push(await open())
  const kept = opened.move()
  const sql = async (text: string, values: unknown[]) => (await database.pool.query(text, values)).rows
  return {
    name: new URL(database.url).pathname.slice(1),
    tiers: tiers as [ExactTier, ExactTier],
    stores,
    sql,
    async another() {
      const store = kept.use(
        await openDatabase({ url: database.url, schema: 'semantic_cache', migrations, poolMax: 4, log }),
      )
      return kept.use(await openExactTier({ store, bytesMax, answerTtlMs: 60_000, log }))
    },
    /** Prepared statements for reading entries on the connections of the first replica. */
    async queries() {
      const { rows } = await stores[0]!.pool.query(`select 1 from pg_prepared_statements where name = 'load_entries'`)
      return rows.length
    },
    killConnections: () =>
      sql(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
        [],
      ),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
