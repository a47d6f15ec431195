// Similar words compared by the vectors of a model: cache and agent on a real NATS server with their own users, a real
// PostgreSQL, and a model server that speaks Ollama's protocol and lies, hangs or dies on purpose.
import { randomUUID } from 'node:crypto'
import { readExecutionConfig } from '@deed/config/execution-config'
import { embedTexts as embedTextsHandler } from '@deed/hybrid-agent/handlers/embed-texts'
import { embedder } from '@deed/hybrid-agent/models/embedder'
import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { CachedAnswer } from '@deed/proto/cache'
import { embedTexts } from '@deed/proto/model'
import { cacheKey } from '@deed/semantic-cache/entry/cache-key'
import { migrations } from '@deed/semantic-cache/store/migrations'
import { embedEntries } from '@deed/semantic-cache/tiers/embed-entries'
import { embeddings } from '@deed/semantic-cache/tiers/embeddings'
import { openExactTier } from '@deed/semantic-cache/tiers/exact-tier'
import { followedIndex } from '@deed/semantic-cache/tiers/followed-index'
import { proposalTier } from '@deed/semantic-cache/tiers/proposal-tier'
import { openDatabase } from '@deed/store/database'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'

const KNOWN = ['the', 'my', 'the new', 'my new'].flatMap((which) =>
  ['has not come', 'has not come yet', 'still has not come'].map((when) => `${which} card ${when}`),
)
const ASKED = 'my new card still has not come yet'
/** By letters and words it is one of the nearest; by meaning it is not, for this model. */
const OTHER = 'my new card still has not come today'
const MODEL = 'all-minilm:latest@ffffffffffff'
const key = (text: string) => cacheKey('local', { text, context_hash: '' })

const observed_at = '2026-01-01T00:00:00.000Z'
const answer = (text: string) =>
  CachedAnswer.parse({
    kind: 'answer',
    result: { text },
    evidence: [{ kind: 'observed', outcome: 'verified', claimed: 'read', observed: 'the same', observed_at }],
    execution_id: randomUUID(),
    template_used: null,
    model_used: null,
  })

/** What is about today is elsewhere; each sentence is a little off. */
const meaning = (text: string): number[] => (/today/.test(text) ? [0, 1, 0] : [1, 0, text.length / 1_000])
type Embed = (texts: readonly string[]) => unknown
const honest: Embed = (texts) => texts.map(meaning)

describe('an answer to similar words', () => {
  it('is proposed by the vectors of the model, under a certificate of its own, and says by which', async () => {
    await using world = await openWorld()
    await world.keep([...KNOWN, OTHER])
    // By the lexical vector the neighbours disagree.
    expect(await world.index.propose(key(ASKED), 'answer')).toBeUndefined()
    expect(await world.proposals.find(key(ASKED))).toBeUndefined()
    const waiting = await world.sql('select vector, way from proposals')
    expect(waiting).toEqual([{ vector: MODEL, way: 'vote' }])
    await world.certify()
    expect(await world.proposals.find(key(ASKED))).toMatchObject({
      entry: { value: { result: { text: 'a' } } },
      similar: { way: 'vote', vector: MODEL, certificate: { judged: 300, wrong: 0 } },
    })
    // The vectors survive a restart, and no text is sent twice.
    const sent = world.ollama.embedded.flat()
    expect(new Set(sent).size).toBe(sent.length)
    expect(await world.sql('select distinct vector_model, octet_length(vector) as bytes from entries')).toEqual([
      { vector_model: MODEL, bytes: 12 },
    ])
  })

  it.each<[string, Embed]>([
    ['hangs', () => 'hang'],
    ['dies in the middle', () => 'cut'],
    ['sends what is no number', (texts) => texts.map(() => [1, null, 0])],
    ['sends vectors of another length', (texts) => texts.map(() => [1, 0])],
    ['sends vectors without a direction', (texts) => texts.map(() => [0, 0, 0])],
  ])('is proposed by the lexical vector, and says so, if the model server %s', async (_, fault) => {
    await using world = await openWorld({ questionMsMax: 300 })
    await world.keep(KNOWN)
    world.embeds(fault)
    expect(await world.proposals.find(key(ASKED))).toBeUndefined()
    expect(await world.sql('select vector from proposals')).toEqual([{ vector: 'lexical' }])
    await world.certify()
    expect(await world.proposals.find(key(ASKED))).toMatchObject({ similar: { way: 'vote', vector: 'lexical' } })
  })

  it('is proposed by the lexical vector where no agent runs', async () => {
    await using world = await openWorld({ agent: false })
    await world.keep(KNOWN, false)
    await world.proposals.find(key(ASKED))
    expect(await world.sql('select vector from proposals')).toEqual([{ vector: 'lexical' }])
  })

  it('is never found by vectors of another build of the model, which are made again', async () => {
    await using world = await openWorld()
    await world.keep([...KNOWN, OTHER])
    await world.proposals.find(key(ASKED))
    await world.certify()
    world.ollama.rebuild()
    // The lexical neighbours disagree, and the stored vectors are not comparable with the question's.
    const another = key(`${ASKED}!`)
    expect(await world.proposals.find(another)).toBeUndefined()
    expect(await world.sql(`select 1 from proposals where wrong is null and asked_hash = '${another.hash}'`)).toEqual(
      [],
    )
    await world.embedded('all-minilm:latest@eeeeeeeeeeee')
    // Another model begins without a certificate.
    expect(await world.proposals.find(another)).toBeUndefined()
    expect(await world.sql(`select vector from proposals where asked_hash = '${another.hash}'`)).toEqual([
      { vector: 'all-minilm:latest@eeeeeeeeeeee' },
    ])
  })
})

async function openWorld({ questionMsMax = 20_000, agent = true } = {}) {
  const opened = new AsyncDisposableStack()
  const log = createLogger('test')
  let embed = honest
  const ollama = opened.use(
    await startFakeOllama({ models: ['all-minilm:latest'], answer: () => 'unused', embed: (texts) => embed(texts) }),
  )
  const mesh = opened.use(await testBus())
  const settings = { ...readExecutionConfig().models, ollama_host: ollama.url }
  if (agent) (await mesh.bus('hybrid-agent')).serve(embedTexts, embedTextsHandler({ embedder: embedder(settings, 0) }))
  const database = opened.use(await testDatabase('semantic_cache', migrations))
  const store = opened.use(
    await openDatabase({ url: database.url, schema: 'semantic_cache', migrations, poolMax: 4, log }),
  )
  const index = followedIndex(store, log)
  const exact = opened.use(await openExactTier({ store, bytesMax: 1e6, answerTtlMs: 600_000, follower: index, log }))
  const vectors = embeddings({ bus: await mesh.bus('semantic-cache'), log, questionMsMax, pauseMs: 0 })
  const proposals = proposalTier({
    ...{ exact, index, store, log, embed: vectors.ofQuestion },
    audits: () => false,
    decideMsMax: 60_000,
  })
  const entries = opened.use(embedEntries({ store, index, embeddings: vectors, origin: exact.origin, log }))
  const sql = async (text: string) => (await store.pool.query(text)).rows
  const embedded = async (model: string): Promise<void> => {
    await until(async () => {
      entries.again()
      return (await sql(`select 1 from entries where vector_model is distinct from '${model}'`)).length === 0
    })
    await until(() => index.modelFor(key(ASKED), 'answer') === model)
  }
  return {
    ollama,
    proposals,
    index,
    sql,
    embedded,
    embeds(next: Embed) {
      embed = next
    },
    async keep(texts: readonly string[], waits = true) {
      for (const text of texts) await exact.keep(key(text), answer(text === OTHER ? 'b' : 'a'), undefined)
      if (waits) await embedded(MODEL)
    },
    /** Right judgements in the scope of what waits. */
    certify: () =>
      sql(
        `insert into proposals (scope_hash, kind, way, asked_hash, proposed_hash, answer_hash, similarity, wrong, judged_at)
         select scope_hash, 'answer', 'vote', n::text, 'x', 'x', 0.9, false, now()
         from (select scope_hash from proposals limit 1) as waiting, generate_series(1, 300) as n`,
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
