/**
 * The stored sentences by scope, and for a question the entry whose answer may be its own.
 *
 * What has to be equal is the scope: tenant, kind, language, context, and the versions of values and of the vector. The vectors
 * of a model are compared where all sentences of the scope have one; elsewhere the lexical one is: a sentence that is left out
 * may be the one that contradicts.
 */
import { hashJson } from '@deed/json/canonical-json'
import type { CacheValue } from '@deed/proto/cache'
import type { CacheKey } from '../entry/cache-key.ts'
import type { ModelVector, StoredSentence } from '../entry/entry.ts'
import { difference, differenceFromAll } from './guards.ts'
import { type LexicalIndex, lexicalIndex, type Neighbour } from './lexical-index.ts'
import { readSentence, type Sentence } from './sentence.ts'
import { type VectorIndex, vectorIndex } from './vector-index.ts'

/** Of the words, the features and the guards: another version begins with an empty certificate. */
const VECTOR_VERSION = 'lexical-2'
/** The vector of words and letters that needs no model. */
export const LEXICAL = 'lexical'
/** Sentences of a process. Further ones are found by the exact tier alone. */
export const SENTENCES_MAX = 100_000
/** Of vectors of models, in all scopes: 64 MB. Scopes with more sentences are compared by the lexical one. */
const FLOATS_MAX = 16_000_000
/** The nearest ones that are compared with the question. */
const NEIGHBOURS = 16
/**
 * So many have to have the same answer where the words differ. Of 8, too few are ever judged for a certificate; of 3, more are
 * wrong than one permits.
 */
const VOTES = 5
/** So many questions with the answer have to have a word before another one may have it. */
const WORD_COUNT_MIN = 2

type Kind = CacheValue['kind']

/** words: the sentences say the same in the same words. vote: the nearest questions all have this answer. */
export type Way = 'words' | 'vote'

export interface Proposal {
  readonly entry: StoredSentence
  readonly scope: string
  readonly way: Way
  /** `lexical`, or the model that made the vectors that were compared. */
  readonly vector: string
  readonly similarity: number
}

export interface ProposalIndex {
  readonly size: number
  /** Replaces the entry of the same key and kind. */
  keep(entry: StoredSentence): void
  drop(hash: string, kind?: Kind): void
  dropTenant(tenant: string): void
  clear(): void
  /**
   * The entry of another key that may answer it; undefined if a guard refuses each, or neighbours disagree.
   *
   * @param embedded of the question; ignored if the sentences of the scope have no vectors of this model
   */
  propose(key: CacheKey, kind: Kind, nowMs: number, embedded?: ModelVector): Proposal | undefined
  /** Adds the vector of a stored sentence. */
  embed(hash: string, kind: Kind, vector: ModelVector): void
  /** The model whose vectors all sentences of the question's scope have; undefined if there is none. */
  modelOf(key: CacheKey, kind: Kind): string | undefined
}

interface Item extends Omit<StoredSentence, 'vector'> {
  vector: ModelVector | undefined
  readonly sentence: Sentence
  readonly scope: Scope
  readonly at: number
  place: { readonly space: Space; readonly at: number } | undefined
}

/** The vectors of one model in a scope. */
interface Space {
  readonly hash: string
  readonly dimensions: number
  readonly index: VectorIndex
  readonly items: Map<number, Item>
}

interface Scope {
  readonly hash: string
  readonly index: LexicalIndex
  readonly items: Map<number, Item>
  /** By model. */
  readonly spaces: Map<string, Space>
}

export function proposalIndex(): ProposalIndex {
  const scopes = new Map<string, Scope>()
  const byKey = new Map<string, Item>()
  let floats = 0

  const remove = (item: Item | undefined): void => {
    if (!item) return
    const { scope, at, sentence } = item
    displace(item)
    byKey.delete(idOf(item.key.hash, item.kind))
    scope.index.remove(at, sentence.words)
    scope.items.delete(at)
    if (scope.items.size === 0) scopes.delete(scope.hash)
  }
  const displace = (item: Item): void => {
    const { place, scope, vector } = item
    if (!place) return
    const { space, at } = place
    item.place = undefined
    space.index.remove(at)
    space.items.delete(at)
    floats -= space.dimensions
    if (vector && space.items.size === 0) scope.spaces.delete(vector.model)
  }
  const place = (item: Item): void => {
    const { vector, scope, kind, key } = item
    if (!vector || floats + vector.values.length > FLOATS_MAX) return
    const { model, values } = vector
    const hash = scopeHash(key, kind, `${VECTOR_VERSION} ${model} ${values.length}`)
    const space = scope.spaces.get(model) ?? spaceOf(hash, values.length)
    if (space.dimensions !== values.length) return
    scope.spaces.set(model, space)
    item.place = { space, at: space.index.add(values) }
    space.items.set(item.place.at, item)
    floats += values.length
  }
  /** That of a model with which every sentence of the scope can be compared. */
  const completeSpace = (scope: Scope | undefined): [string, Space] | undefined =>
    scope && [...scope.spaces].find(([, { items }]) => items.size === scope.items.size)
  const removeExpired = (nowMs: number): void => {
    for (const item of [...byKey.values()]) if (item.expiresAtMs <= nowMs) remove(item)
  }

  return {
    get size() {
      return byKey.size
    },
    keep(entry) {
      const { key, kind } = entry
      const before = byKey.get(idOf(key.hash, kind))
      remove(before)
      const sentence = readSentence(key.text)
      if (!sentence) return
      if (byKey.size >= SENTENCES_MAX) removeExpired(Date.now())
      if (byKey.size >= SENTENCES_MAX) return
      const hash = scopeHash(key, kind)
      const scope = scopes.get(hash) ?? { hash, index: lexicalIndex(), items: new Map(), spaces: new Map() }
      scopes.set(hash, scope)
      // The words of a key are the same, so its vector is.
      const vector = entry.vector ?? before?.vector
      const item: Item = { ...entry, vector, sentence, scope, at: scope.index.add(sentence.words), place: undefined }
      scope.items.set(item.at, item)
      place(item)
      byKey.set(idOf(key.hash, kind), item)
    },
    drop(hash, kind) {
      for (const each of kind ? [kind] : (['answer', 'solution'] as const)) remove(byKey.get(idOf(hash, each)))
    },
    dropTenant(tenant) {
      for (const item of [...byKey.values()]) if (item.key.tenant === tenant) remove(item)
    },
    clear() {
      scopes.clear()
      byKey.clear()
      floats = 0
    },
    embed(hash, kind, vector) {
      const item = byKey.get(idOf(hash, kind))
      if (!item) return
      displace(item)
      item.vector = vector
      place(item)
    },
    modelOf: (key, kind) => completeSpace(scopes.get(scopeHash(key, kind)))?.[0],
    propose(key, kind, nowMs, embedded) {
      const scope = scopes.get(scopeHash(key, kind))
      const asked = scope && readSentence(key.text)
      if (!asked) return undefined
      const readable = (neighbours: readonly Neighbour[], items: ReadonlyMap<number, Item>) =>
        neighbours.flatMap(({ at, similarity }) => {
          const item = items.get(at)
          return item && item.key.hash !== key.hash && item.expiresAtMs > nowMs ? [{ item, similarity }] : []
        })
      const found = readable(scope.index.nearest(asked.words, NEIGHBOURS), scope.items)
      const [model, space] = (embedded && completeSpace(scope)) ?? []
      const comparable = embedded && model === embedded.model && space?.dimensions === embedded.values.length
      const proposalOf = (way: Way, among: typeof found): Proposal | undefined => {
        const [nearest] = among
        if (!nearest || among.some(({ item }) => item.answerHash !== nearest.item.answerHash)) return undefined
        const by =
          way === 'vote' && comparable && space
            ? { scope: space.hash, vector: embedded.model }
            : { scope: scope.hash, vector: LEXICAL }
        return { entry: nearest.item, way, ...by, similarity: nearest.similarity }
      }
      const same = found.filter(({ item }) => difference(asked, item.sentence) === undefined)
      if (same.length > 0) return proposalOf('words', same)
      // A plan for other words is no plan for these, whatever its neighbours have.
      const voters =
        comparable && space ? readable(space.index.nearest(embedded.values, NEIGHBOURS), space.items) : found
      const nearest = kind === 'answer' ? voters.slice(0, VOTES) : []
      const vote = nearest.length === VOTES ? proposalOf('vote', nearest) : undefined
      if (!vote) return undefined
      const sentences = nearest.map(({ item }) => item.sentence)
      const hasWord = wordsOf(scope, vote.entry.answerHash)
      return differenceFromAll(asked, sentences, hasWord) === undefined ? vote : undefined
    },
  }
}

const idOf = (hash: string, kind: Kind): string => `${kind} ${hash}`

const scopeHash = ({ tenant, language, contextHash }: CacheKey, kind: Kind, version = VECTOR_VERSION): string =>
  hashJson({ tenant, kind, language: language ?? null, context: contextHash, version })

const spaceOf = (hash: string, dimensions: number): Space => ({
  hash,
  dimensions,
  index: vectorIndex(dimensions),
  items: new Map(),
})

/** Whether enough questions with the answer have a word. */
function wordsOf({ items }: Scope, answerHash: string): (word: string) => boolean {
  const counts = new Map<string, number>()
  for (const { answerHash: its, sentence } of items.values()) {
    if (its !== answerHash) continue
    for (const word of new Set(sentence.content)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return (word) => (counts.get(word) ?? 0) >= WORD_COUNT_MIN
}
