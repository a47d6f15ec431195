/** The index of proposals, held equal to the table of entries. */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { answerHash } from '../entry/answer-hash.ts'
import type { CacheKey } from '../entry/cache-key.ts'
import type { StoredSentence } from '../entry/entry.ts'
import { type Proposal, proposalIndex, SENTENCES_MAX } from '../proposing/proposal-index.ts'
import { loadSentences } from '../store/entries.ts'
import type { Follower } from './exact-tier.ts'

export interface FollowedIndex extends Follower {
  /** None while changes of other replicas may be missing: one of them may contradict it. */
  propose(key: CacheKey, kind: StoredSentence['kind']): Promise<Proposal | undefined>
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
    async propose(key, kind) {
      if (unread.size > 0) await readNew()
      return hears ? index.propose(key, kind, Date.now()) : undefined
    },
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
