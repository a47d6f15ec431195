/** The index of proposals, held equal to the table of entries. */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { answerHash } from '../entry/answer-hash.ts'
import type { CacheKey } from '../entry/cache-key.ts'
import type { ModelVector, StoredSentence } from '../entry/entry.ts'
import { type Proposal, type ProposalIndex, proposalIndex, SENTENCES_MAX } from '../proposing/proposal-index.ts'
import { loadSentences } from '../store/entries.ts'
import type { Embeddings } from './embeddings.ts'
import type { Follower } from './exact-tier.ts'

export interface FollowedIndex extends Follower {
  /**
   * None while changes of other replicas may be missing: one of them may contradict it.
   *
   * @param embed the question's vector by a model; asked for where the stored ones can be compared with it
   */
  propose(key: CacheKey, kind: StoredSentence['kind'], embed?: Embeddings['ofQuestion']): Promise<Proposal | undefined>
  /** As `modelOf` of the index. */
  modelFor: ProposalIndex['modelOf']
  /** Adds the vector of a stored answer. */
  embed(hash: string, vector: ModelVector): void
}

export function followedIndex({ pool }: Pick<Store<unknown>, 'pool'>, log: Log): FollowedIndex {
  const index = proposalIndex()
  /** Keys that other replicas have stored since, and that are not in the index yet. */
  const unread = new Set<string>()
  let hears = false

  const readNew = async (): Promise<void> => {
    const hashes = [...unread]
    unread.clear()
    try {
      for (const stored of await loadSentences(pool, Date.now(), 2 * hashes.length, hashes)) index.keep(stored)
    } catch (error) {
      for (const hash of hashes) unread.add(hash)
      throw error
    }
  }

  return {
    async propose(key, kind, embed) {
      if (unread.size > 0) await readNew()
      if (!hears) return undefined
      const lexical = index.propose(key, kind, Date.now())
      // Equal words need no other vector, and plans have no other way.
      if (lexical?.way === 'words' || !embed || !index.modelOf(key, kind)) return lexical
      const embedded = await embed(key.text)
      return embedded && hears ? index.propose(key, kind, Date.now(), embedded) : lexical
    },
    modelFor: index.modelOf,
    embed: (hash, vector) => index.embed(hash, 'answer', vector),
    onPut(key, { value, expiresAtMs }) {
      index.keep({ key, kind: value.kind, answerHash: answerHash(value), expiresAtMs })
    },
    onStored: (hash) => void unread.add(hash),
    onDropped(hash) {
      unread.delete(hash)
      index.drop(hash)
    },
    onCleared: (tenant) => index.dropTenant(tenant),
    async onHearing() {
      index.clear()
      for (const stored of await loadSentences(pool, Date.now(), SENTENCES_MAX)) index.keep(stored)
      hears = true
      log.info({ sentences: index.size }, 'sentences of stored entries loaded')
    },
    onLost() {
      hears = false
    },
  }
}
