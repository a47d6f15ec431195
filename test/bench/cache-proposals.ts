/** What the proposal tier of the cache finds, how often it is wrong, and how long it takes. */
import { readFileSync } from 'node:fs'
import { type Random, randomFrom } from '@deed/drill/harness/random'
import { cacheKey } from '@deed/semantic-cache/entry/cache-key'
import { certificateOf, upperBound } from '@deed/semantic-cache/proposing/certificate'
import { type ProposalIndex, proposalIndex } from '@deed/semantic-cache/proposing/proposal-index'
import { percentile } from './load.ts'
import { type Line, rounded, type Scenario, type Settings } from './scenario.ts'

/** In process, among so many entries of one scope. */
const SIZES = [10_000, 100_000]
const PROPOSALS = 300
const SEEDS = [1, 2, 3, 4, 5]
/** Of would-be hits, so many are computed all the same and compared. */
const AUDITED = 0.05

export const cacheProposals: Scenario = {
  name: 'cache.proposals',
  summary: 'similar questions: how fast one is proposed; with --stream, how many are served and how many wrongly',
  ofTheMachine: true,
  run: async ({ stream }: Settings) => [
    ...SIZES.map(proposalTimes),
    ...(stream === undefined ? [] : streamLines(stream.flatMap(readRows))),
  ],
}

const VERBS = 'restart stop list show delete archive deploy rename copy verify rotate lock'.split(' ')
const NOUNS = 'mailer indexer gateway invoice customer backup queue certificate report volume branch tenant'.split(' ')
const PLACES = 'staging production berlin oslo the cluster the archive the lab the region the office'.split(' ')

function proposalTimes(size: number): Line {
  const random = randomFrom(size)
  const one = (of: readonly string[]): string => random.pick(of)
  const sentence = (n: number): string =>
    `${one(VERBS)} ${one(NOUNS)} ${one(NOUNS)}${n} of ${one(NOUNS)} in ${one(PLACES)} ${one(VERBS)} ${one(PLACES)}`
  const index = proposalIndex()
  const texts = Array.from({ length: size }, (_, n) => sentence(n))
  for (const text of texts) keep(index, text, text)
  const times: number[] = []
  let found = 0
  for (let n = 0; n < PROPOSALS; n++) {
    const key = keyOf(`please ${one(texts)}`)
    const from = performance.now()
    if (index.propose(key, 'answer', 0)) found++
    times.push(performance.now() - from)
  }
  if (found !== PROPOSALS) throw new Error(`${found} of ${PROPOSALS} questions had a proposal`)
  times.sort((a, b) => a - b)
  return {
    scenario: 'cache.proposals',
    entries: index.size,
    p50_ms: rounded(percentile(times, 50), 2),
    p95_ms: rounded(percentile(times, 95), 2),
    p99_ms: rounded(percentile(times, 99), 2),
  }
}

export interface Row {
  text: string
  answer: string
}

/** A table of two columns, text and answer, with a heading: questions that have the same answer are paraphrases. */
export function readRows(file: string): Row[] {
  const table = readFileSync(file, 'utf8')
  const rows = [...table.matchAll(/^(?:"((?:[^"]|"")*)"|([^",\n]*)),([^,\n]*?)\r?$/gm)].slice(1)
  if (rows.length === 0) throw new Error(`${file} has no rows of text,answer`)
  return rows.map(([, quoted, plain, answer]) => ({
    text: (quoted?.replaceAll('""', '"') ?? plain ?? '').trim(),
    answer: answer ?? '',
  }))
}

/** The rows in another order for each seed: each is asked once, answered from the cache or computed and kept. */
function streamLines(rows: readonly Row[]): Line[] {
  const totals = { asked: 0, served: 0, wrong: 0 }
  const lines = SEEDS.map((seed) => {
    const { served, wrong, judged, openedAfter } = runStream(shuffled(rows, randomFrom(seed)), randomFrom(seed + 100))
    totals.asked += rows.length
    totals.served += served
    totals.wrong += wrong
    const line = { scenario: `cache.stream.${seed}`, asked: rows.length, judged, opened_after: openedAfter ?? null }
    return { ...line, ...sharesOf(rows.length, served, wrong) }
  })
  return [...lines, { scenario: 'cache.stream', ...sharesOf(totals.asked, totals.served, totals.wrong) }]
}

/** No hit rate without the bound of its wrong hits. */
function sharesOf(asked: number, served: number, wrong: number) {
  return {
    served,
    wrong,
    hit_percent: rounded((100 * served) / asked, 2),
    wrong_percent: served === 0 ? null : rounded((100 * wrong) / served, 2),
    wrong_percent_max: rounded(100 * upperBound(served, wrong), 2),
  }
}

function runStream(rows: readonly Row[], random: Random) {
  const index = proposalIndex()
  const known = { words: { judged: 0, wrong: 0 }, vote: { judged: 0, wrong: 0 } }
  const vetoed = new Map<string, number>()
  let [served, wrong, judged] = [0, 0, 0]
  let openedAfter: number | undefined
  for (const [at, { text, answer }] of rows.entries()) {
    const key = keyOf(text)
    const proposed = index.propose(key, 'answer', 0)
    if (proposed && proposed.similarity > (vetoed.get(proposed.entry.key.hash) ?? -1)) {
      const right = proposed.entry.answerHash === answer
      const audited = random.next() < AUDITED
      const counts = known[proposed.way]
      const { open } = certificateOf(counts)
      if (open && !audited) {
        openedAfter ??= at
        served++
        if (!right) wrong++
        continue
      }
      judged++
      counts.judged++
      if (!right) {
        counts.wrong++
        vetoed.set(proposed.entry.key.hash, proposed.similarity)
        if (open) for (const way of ['words', 'vote'] as const) known[way] = { judged: 0, wrong: 0 }
      }
    }
    keep(index, text, answer)
  }
  return { served, wrong, judged, openedAfter }
}

const keyOf = (text: string) => cacheKey('local', { text, context_hash: '' })

const keep = (index: ProposalIndex, text: string, answerHash: string): void =>
  index.keep({ key: keyOf(text), kind: 'answer', answerHash, expiresAtMs: Number.MAX_SAFE_INTEGER })

function shuffled(rows: readonly Row[], random: Random): Row[] {
  const order = [...rows]
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.between(0, last)
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return order
}
