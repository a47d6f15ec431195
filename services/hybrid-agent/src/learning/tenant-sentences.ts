/**
 * The learned sentences in memory, by tenant. Another replica's changes are seen after `FRESH_MS`; a sentence that a
 * rule knows needs none of them, so it never waits for the database.
 */
import { every } from '@deed/process/every'
import type { ExecutionId } from '@deed/proto/ids'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { LRUCache } from 'lru-cache'
import type { LearnedSentence, TenantSentences } from '../store/learned-sentence.ts'
import {
  countUses,
  deleteLearned,
  disproveLearned,
  type LearnedRow,
  putLearned,
  readLearned,
} from '../store/learned-sentences.ts'

const FRESH_MS = 2_000
const TENANTS_MAX = 200
const COUNT_MS = 5_000

export interface Sentences extends AsyncDisposable {
  /** What is known without asking the database; undefined if that is nothing, or may be old. */
  known(tenant: string): TenantSentences | undefined
  /** Reads them again if they may be old. Without the database: what was known last. */
  load(tenant: string): Promise<TenantSentences>
  list(tenant: string): Promise<LearnedRow[]>
  put(row: { tenant: string; user: string; executionId: ExecutionId; learned: LearnedSentence }): Promise<void>
  /** @param ids undefined for all @returns how many there were */
  forget(tenant: string, ids?: readonly string[]): Promise<number>
  /** They have not held in this execution. @returns how many there were */
  disprove(tenant: string, of: { ids: readonly string[]; executionId: ExecutionId }): Promise<number>
  /** Counts a use; stored a few seconds later. */
  use(tenant: string, id: string): void
}

export const NO_SENTENCES: TenantSentences = new Map()

export function openSentences(store: Pick<Store<unknown>, 'query'>, log: Log): Sentences {
  const used = new Map<string, { tenant: string; id: string; uses: number }>()
  const cache = new LRUCache<string, TenantSentences>({
    max: TENANTS_MAX,
    ttl: FRESH_MS,
    allowStaleOnFetchRejection: true,
    noDeleteOnFetchRejection: true,
    noDeleteOnStaleGet: true,
    fetchMethod: async (tenant) => byWords(await readLearned(store, tenant)),
  })
  const count = async (): Promise<void> => {
    const counted = [...used.values()]
    used.clear()
    if (counted.length > 0) await countUses(store, counted)
  }
  const counting = every(COUNT_MS, count, { failed: 'counting the uses of learned sentences failed', log })
  return {
    known: (tenant) => cache.get(tenant),
    async load(tenant) {
      try {
        // A change ends a read that is under way.
        const found = await cache.fetch(tenant).catch(() => undefined)
        return found ?? byWords(await readLearned(store, tenant))
      } catch (error) {
        log.warn({ err: error, tenant }, 'continuing without the learned sentences')
        return NO_SENTENCES
      }
    },
    list: (tenant) => readLearned(store, tenant),
    async put(row) {
      await putLearned(store, row)
      cache.delete(row.tenant)
    },
    async forget(tenant, ids) {
      const forgotten = await deleteLearned(store, tenant, ids)
      cache.delete(tenant)
      return forgotten
    },
    async disprove(tenant, of) {
      const disproved = await disproveLearned(store, tenant, of)
      cache.delete(tenant)
      return disproved
    },
    use(tenant, id) {
      const key = `${tenant} ${id}`
      used.set(key, { tenant, id, uses: (used.get(key)?.uses ?? 0) + 1 })
    },
    async [Symbol.asyncDispose]() {
      await counting[Symbol.asyncDispose]()
      await count().catch((error: unknown) =>
        log.warn({ err: error }, 'the last uses of learned sentences are not counted'),
      )
    },
  }
}

/** The sentence with the most names that may not vary comes first: it says more. */
function byWords(sentences: readonly LearnedRow[]): TenantSentences {
  const found = new Map<string, LearnedRow[]>()
  for (const sentence of sentences) found.set(sentence.words, [...(found.get(sentence.words) ?? []), sentence])
  const fixedNames = ({ fixed }: LearnedRow): number => Object.keys(fixed).length
  for (const list of found.values()) list.sort((a, b) => fixedNames(b) - fixedNames(a))
  return found
}
