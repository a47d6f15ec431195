/**
 * The stored sentences by scope, and for a question the entry whose answer may be its own.
 *
 * What has to be equal is the scope: tenant, kind, language, context, and the versions of values and of the vector.
 */
import { hashJson } from '@deed/json/canonical-json'
import type { CacheValue } from '@deed/proto/cache'
import type { CacheKey } from '../entry/cache-key.ts'
import type { StoredSentence } from '../entry/entry.ts'
import { difference, differenceFromAll } from './guards.ts'
import { type LexicalIndex, lexicalIndex } from './lexical-index.ts'
import { readSentence, type Sentence } from './sentence.ts'

/** Of the words, the features and the guards: another version begins with an empty certificate. */
const VECTOR_VERSION = 'lexical-2'
/** Sentences of a process. Further ones are found by the exact tier alone. */
export const SENTENCES_MAX = 100_000
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
  readonly similarity: number
}

export interface ProposalIndex {
  readonly size: number
  /** Replaces the entry of the same key and kind. */
  keep(entry: StoredSentence): void
  drop(hash: string, kind?: Kind): void
  dropTenant(tenant: string): void
  clear(): void
  /** The entry of another key that may answer it; undefined if a guard refuses each, or neighbours disagree. */
  propose(key: CacheKey, kind: Kind, nowMs: number): Proposal | undefined
}

interface Item extends StoredSentence {
  readonly sentence: Sentence
  readonly scope: Scope
  readonly at: number
}

interface Scope {
  readonly hash: string
  readonly index: LexicalIndex
  readonly items: Map<number, Item>
}

export function proposalIndex(): ProposalIndex {
  const scopes = new Map<string, Scope>()
  const byKey = new Map<string, Item>()

  const remove = (item: Item | undefined): void => {
    if (!item) return
    const { scope, at, sentence } = item
    byKey.delete(idOf(item.key.hash, item.kind))
    scope.index.remove(at, sentence.words)
    scope.items.delete(at)
    if (scope.items.size === 0) scopes.delete(scope.hash)
  }
  const removeExpired = (nowMs: number): void => {
    for (const item of [...byKey.values()]) if (item.expiresAtMs <= nowMs) remove(item)
  }

  return {
    get size() {
      return byKey.size
    },
    keep(entry) {
      const { key, kind } = entry
      remove(byKey.get(idOf(key.hash, kind)))
      const sentence = readSentence(key.text)
      if (!sentence) return
      if (byKey.size >= SENTENCES_MAX) removeExpired(Date.now())
      if (byKey.size >= SENTENCES_MAX) return
      const hash = scopeHash(key, kind)
      const scope = scopes.get(hash) ?? { hash, index: lexicalIndex(), items: new Map() }
      scopes.set(hash, scope)
      const item = { ...entry, sentence, scope, at: scope.index.add(sentence.words) }
      scope.items.set(item.at, item)
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
    },
    propose(key, kind, nowMs) {
      const scope = scopes.get(scopeHash(key, kind))
      const asked = scope && readSentence(key.text)
      if (!asked) return undefined
      const found = scope.index.nearest(asked.words, NEIGHBOURS).flatMap(({ at, similarity }) => {
        const item = scope.items.get(at)
        return item && item.key.hash !== key.hash && item.expiresAtMs > nowMs ? [{ item, similarity }] : []
      })
      const proposalOf = (way: Way, among: typeof found): Proposal | undefined => {
        const [nearest] = among
        if (!nearest || among.some(({ item }) => item.answerHash !== nearest.item.answerHash)) return undefined
        return { entry: nearest.item, scope: scope.hash, way, similarity: nearest.similarity }
      }
      const same = found.filter(({ item }) => difference(asked, item.sentence) === undefined)
      if (same.length > 0) return proposalOf('words', same)
      // A plan for other words is no plan for these, whatever its neighbours have.
      const nearest = kind === 'answer' ? found.slice(0, VOTES) : []
      const vote = nearest.length === VOTES ? proposalOf('vote', nearest) : undefined
      if (!vote) return undefined
      const sentences = nearest.map(({ item }) => item.sentence)
      const hasWord = wordsOf(scope, vote.entry.answerHash)
      return differenceFromAll(asked, sentences, hasWord) === undefined ? vote : undefined
    },
  }
}

const idOf = (hash: string, kind: Kind): string => `${kind} ${hash}`

const scopeHash = ({ tenant, language, contextHash }: CacheKey, kind: Kind): string =>
  hashJson({ tenant, kind, language: language ?? null, context: contextHash, version: VECTOR_VERSION })

/** Whether enough questions with the answer have a word. */
function wordsOf({ items }: Scope, answerHash: string): (word: string) => boolean {
  const counts = new Map<string, number>()
  for (const { answerHash: its, sentence } of items.values()) {
    if (its !== answerHash) continue
    for (const word of new Set(sentence.content)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return (word) => (counts.get(word) ?? 0) >= WORD_COUNT_MIN
}
