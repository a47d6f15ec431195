// Proposals of replicas on one real PostgreSQL.
import { until } from '@deed/process/until'
import type { CacheValue } from '@deed/proto/cache'
import { openDatabase } from '@deed/store/database'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { answer, solution } from '../../test/test-values.ts'
import { cacheKey } from '../entry/cache-key.ts'
import { migrations } from '../store/migrations.ts'
import { openExactTier } from './exact-tier.ts'
import { followedIndex } from './followed-index.ts'
import { proposalTier } from './proposal-tier.ts'

const key = (text: string, tenant = 'local') => cacheKey(tenant, { text, context_hash: '' })
const KNOWN = 'what is the load of the mailer?'
const ASKED = 'please, what is the load of the mailer?'

describe('an answer to similar words', () => {
  it('is served only once enough proposals were judged right', async () => {
    await using cache = await replicas(1)
    const [one] = cache.all
    await one.put(KNOWN, answer('6'))
    expect(await one.proposals.find(key(ASKED))).toBeUndefined()
    // The same answer follows: one label.
    await one.put(ASKED, answer('6'))
    expect(await cache.labels()).toEqual([{ judged: 1, wrong: 0 }])
    await cache.judgedBefore(214)
    expect(await one.proposals.find(key(`${ASKED} Thanks!`))).toBeUndefined()
    await one.put(`${ASKED} Thanks!`, answer('6'))
    const found = await one.proposals.find(key(`Hi, ${ASKED}`))
    expect(found).toMatchObject({
      entry: { value: { result: { text: '6' } } },
      similar: { way: 'words', certificate: { judged: 216, wrong: 0 } },
    })
    expect(found?.similar.certificate?.wrong_max).toBeLessThan(0.02)
    expect(await one.proposals.find(key('what is the load of the indexer?'))).toBeUndefined()
    expect(await one.proposals.find(key(`Hi, ${ASKED}`, 'acme'))).toBeUndefined()
  })

  it('is not served while audits decide to compute it, and each audit is a label', async () => {
    await using cache = await replicas(1, () => true)
    const [one] = cache.all
    await one.put(KNOWN, answer('6'))
    await cache.judgedBefore(1_000, (await one.scopeOf(ASKED)) ?? '')
    expect(await one.proposals.find(key(ASKED))).toBeUndefined()
    await one.put(ASKED, answer('6'))
    expect(await cache.labels()).toEqual([{ judged: 1_001, wrong: 0 }])
  })

  it('that was wrong vetoes its entry, and closes the scope, in all replicas', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.all
    await one.put(KNOWN, answer('6'))
    await cache.judgedBefore(215, (await one.scopeOf(ASKED)) ?? '')
    expect(await one.proposals.find(key(ASKED))).toBeUndefined()
    await one.put(ASKED, answer('another answer'))
    expect(await cache.labels()).toEqual([{ judged: 216, wrong: 1 }])
    expect(await cache.sql('select similarity from scope_vetoes')).toEqual([{ similarity: expect.any(Number) }])
    for (const replica of [one, other]) expect(await replica.proposals.find(key(`Hi, ${ASKED}`))).toBeUndefined()
    // Two equal sentences disagree now: neither is proposed for a third.
    expect(await cache.sql('select 1 from proposals where wrong is null')).toEqual([])
  })

  it('closes the scope in all replicas at once if an audit of it differs, however many were right before', async () => {
    let audited = false
    await using cache = await replicas(2, () => audited)
    const [one, other] = cache.all
    await one.put(KNOWN, answer('6'))
    await one.put('what is the age of the mailer?', answer('9 days'))
    await cache.judgedBefore(5_000, (await one.scopeOf(ASKED)) ?? '')
    const unrelated = key('please, what is the age of the mailer?')
    for (const replica of [one, other]) await until(async () => (await replica.proposals.find(unrelated)) !== undefined)
    audited = true
    expect(await one.proposals.find(key(ASKED))).toBeUndefined()
    audited = false
    // 1 of 5,001 is no reason against 2 %; that it was wrong is.
    await one.put(ASKED, answer('7'))
    for (const replica of [one, other]) expect(await replica.proposals.find(unrelated)).toBeUndefined()
    await cache.judgedBefore(215, (await one.scopeOf('what is the age of the mailer? Thanks!')) ?? '')
    expect(await one.proposals.find(key('Hi, what is the age of the mailer?'))).toBeUndefined()
    await one.put('Hi, what is the age of the mailer?', answer('9 days'))
    expect(await one.proposals.find(unrelated)).toMatchObject({ similar: { certificate: { judged: 216, wrong: 0 } } })
  })

  it('that is reported as wrong closes the scope in all replicas at once, and vetoes its entry even if it is stored again', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.all
    await one.put(KNOWN, answer('6'))
    await one.put('what is the age of the mailer?', answer('9 days'))
    await cache.judgedBefore(5_000, (await one.scopeOf(ASKED)) ?? '')
    const unrelated = key('please, what is the age of the mailer?')
    for (const replica of [one, other]) await until(async () => (await replica.proposals.find(unrelated)) !== undefined)
    const served = await one.proposals.find(key(ASKED))
    const { scope, similarity } = served?.similar ?? {}
    if (!served || scope === undefined || similarity === undefined) throw new Error('nothing was served')
    await other.proposals.report('acme', served.entry.entryId, { scope, similarity })
    expect(await one.proposals.find(unrelated), 'a report of another tenant').toBeDefined()
    await other.proposals.report('local', served.entry.entryId, { scope, similarity })
    for (const replica of [one, other]) expect(await replica.proposals.find(unrelated)).toBeUndefined()
    // Certified again, and the entry is stored again.
    await cache.judgedBefore(300, scope)
    await one.put(KNOWN, answer('6'))
    expect(await one.proposals.find(unrelated)).toBeDefined()
    expect(await one.proposals.find(key(ASKED))).toBeUndefined()
  })

  it('is found by a replica that did not store it, until it is invalidated by any', async () => {
    await using cache = await replicas(2)
    const [one, other] = cache.all
    await one.put(KNOWN, answer('6'))
    await cache.judgedBefore(300, (await one.scopeOf(ASKED)) ?? '')
    await until(async () => (await other.proposals.find(key(ASKED))) !== undefined)
    await one.exact.forget('local', { all: true })
    await until(async () => (await other.proposals.find(key(ASKED))) === undefined)
  })
})

describe('a solution for similar words', () => {
  it('is proposed without a certificate, and kept for these words once it held', async () => {
    await using cache = await replicas(1)
    const [one] = cache.all
    await one.put('make a folder for the reports', solution('reports'))
    const asked = key('Could you make a folder for the reports?')
    expect(await one.proposals.find(asked)).toMatchObject({
      entry: { value: { kind: 'solution' } },
      similar: { text: 'make a folder for the reports', certificate: null },
    })
    expect(await one.proposals.judgeSolution(asked, true)).toBe(true)
    expect((await one.exact.find(asked))?.value).toMatchObject({ kind: 'solution' })
    expect(await one.proposals.judgeSolution(asked, true)).toBe(false)
  })

  it('is proposed for no such words again once it did not hold', async () => {
    await using cache = await replicas(1)
    const [one] = cache.all
    await one.put('make a folder for the reports', solution('reports'))
    const asked = key('Could you make a folder for the reports?')
    expect(await one.proposals.find(asked)).toBeDefined()
    expect(await one.proposals.judgeSolution(asked, false)).toBe(true)
    expect(await one.proposals.find(asked)).toBeUndefined()
    expect(await one.exact.find(asked)).toBeUndefined()
  })

  it('is not proposed where the words ask for something else', async () => {
    await using cache = await replicas(1)
    const [one] = cache.all
    await one.put('make a folder for the reports', solution('reports'))
    for (const text of ['make a folder for the exports', 'should I make a folder for the reports?'])
      expect(await one.proposals.find(key(text))).toBeUndefined()
  })
})

/** @param audits never, unless a test decides */
async function replicas(count: number, audits = () => false) {
  const opened = new AsyncDisposableStack()
  const database = opened.use(await testDatabase('semantic_cache', migrations))
  const log = createLogger('test')
  const open = async () => {
    const store = opened.use(
      await openDatabase({ url: database.url, schema: 'semantic_cache', migrations, poolMax: 4, log }),
    )
    const index = followedIndex(store, log)
    const exact = opened.use(await openExactTier({ store, bytesMax: 1e6, answerTtlMs: 600_000, follower: index, log }))
    const proposals = proposalTier({ exact, index, store, log, audits, decideMsMax: 30_000 })
    const put = async (text: string, value: CacheValue): Promise<void> => {
      await exact.keep(key(text), value, undefined)
      await proposals.judgeBy(key(text), value)
    }
    const scopeOf = async (asked: string) => (await index.propose(key(asked), 'answer'))?.scope
    return { store, exact, proposals, put, scopeOf }
  }
  type Replica = Awaited<ReturnType<typeof open>>
  const all: Replica[] = []
  for (let n = 0; n < count; n++) all.push(await open())
  const [first] = all
  if (!first) throw new Error('there are no replicas')
  const sql = async (text: string, values: unknown[] = []) => (await first.store.pool.query(text, values)).rows
  return {
    all: all as [Replica, Replica],
    sql,
    /** Right ones of other questions, in the scope that has labels, or in the given one. */
    judgedBefore: (labels: number, scope?: string) =>
      sql(
        `insert into proposals (scope_hash, kind, way, asked_hash, proposed_hash, answer_hash, similarity, wrong, judged_at)
         select coalesce($2, (select scope_hash from proposals limit 1)), 'answer', 'words', n::text, 'x', 'x', 0.9, false, now()
         from generate_series(1, $1) as n`,
        [labels, scope ?? null],
      ),
    labels: () =>
      sql(
        `select count(*)::int as judged, count(*) filter (where wrong)::int as wrong from proposals where wrong is not null`,
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
