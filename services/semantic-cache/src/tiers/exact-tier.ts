/**
 * The exact tier: hot entries in memory, all entries in PostgreSQL, and an index of all existing keys.
 *
 * A miss is answered from memory: each replica keeps the hashes of all stored keys, updated by messages from the other
 * replicas. Without these messages, every look-up queries PostgreSQL. Without PostgreSQL, memory still serves, and
 * everything else is a miss.
 */
import { randomUUID } from 'node:crypto'
import { uuidV5 } from '@deed/json/canonical-json'
import type { CacheValue } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import { batched } from '@deed/store/batched'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { CacheKey } from '../entry/cache-key.ts'
import { bytesOf, mayServe, type StoredEntry } from '../entry/entry.ts'
import {
  countEntries,
  type EntryToKeep,
  evictEntries,
  type Forget,
  forgetEntries,
  knownPrefixes,
  loadEntries,
  storeEntries,
} from '../store/entries.ts'
import { listen, type Message } from '../store/messages.ts'
import { memoryTier } from './memory-tier.ts'

/** A caller would rather compute than wait longer. */
const READ_MS_MAX = 200
const WRITE_MS_MAX = 1_500
/** After a failure PostgreSQL is not queried for this long. */
const PAUSE_MS = 1_000
/** Number of puts between two checks of the table size. */
const PUTS_PER_EVICTION = 500
const SOLUTION_TTL_MS = 24 * 60 * 60 * 1_000
const TTL_MS_MAX = 30 * 24 * 60 * 60 * 1_000

export interface ExactTier extends AsyncDisposable {
  /** Identifies this process in messages between replicas. */
  readonly origin: string
  /** The fresh answer of a key, or its fresh solution. Failures of PostgreSQL are misses. */
  find(key: CacheKey): Promise<StoredEntry | undefined>
  /** Like `find`, but always queries PostgreSQL. */
  findStored(key: CacheKey): Promise<StoredEntry | undefined>
  /** @throws {DeedError} evidence_missing for an answer with unverified parts */
  keep(key: CacheKey, value: CacheValue, ttlMs: number | undefined): Promise<StoredEntry>
  /** @throws {DeedError} unavailable if the entry cannot be removed from all replicas */
  forget(tenant: string, what: Forget): Promise<number>
  count(tenant: string): Promise<{ entries: number; bytes: number }>
  /** Called when the entry of a key may have changed; without a key, all may have. */
  onChange(listener: (hash: string | undefined) => void): void
  readonly evictions: number
}

export interface ExactTierOptions {
  store: Pick<Store<unknown>, 'pool'>
  bytesMax: number
  answerTtlMs: number
  log: Log
}

/** Ready once it knows the stored keys, or knows that PostgreSQL is unavailable. */
export async function openExactTier({ store, bytesMax, answerTtlMs, log }: ExactTierOptions): Promise<ExactTier> {
  const { pool } = store
  const origin = randomUUID()
  const memory = memoryTier(bytesMax)
  const loading = new Map<string, Promise<StoredEntry | undefined>>()
  let known = new Set<number>()
  let hearing = false
  /** Counts local puts and messages of others: a read that began before the latest one may be stale. */
  let heard = 0
  let pausedUntil = 0
  let tableBytes = 0
  let putsSinceEviction = 0
  let evicted = 0
  let bytesPut = 0
  let evicting: Promise<void> | undefined
  let changed: (hash: string | undefined) => void = () => undefined

  const onMessage = (message: Message): void => {
    heard++
    if (message.type === 'clear') memory.dropTenant(message.tenant)
    else {
      if (message.type !== 'free') memory.drop(message.hash)
      if (message.type === 'put') {
        known.add(prefixOf(message.hash))
        tableBytes += message.bytes
      }
    }
    changed(message.type === 'clear' ? undefined : message.hash)
  }
  const opened = Promise.withResolvers<void>()
  const listening = listen(
    store,
    origin,
    {
      onMessage,
      async onHearing() {
        // Subscribed before it reads, so no change is missed; entries in memory may be stale after lost messages.
        known = new Set()
        memory.clear()
        const found = await knownPrefixes(pool)
        for (const prefix of found.prefixes) known.add(prefix)
        tableBytes = found.bytes
        hearing = true
        opened.resolve()
        changed(undefined)
        log.info({ keys: known.size }, 'stored keys loaded')
      },
      onLost() {
        hearing = false
        opened.resolve()
      },
    },
    log,
  )

  /** @returns undefined if PostgreSQL does not answer in time, or has failed recently */
  const inTime = async <T>(work: () => Promise<T>, msMax: number): Promise<T | undefined> => {
    if (performance.now() < pausedUntil) return undefined
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`PostgreSQL did not answer within ${msMax} ms`)), msMax)
    try {
      return await Promise.race([work(), late.promise])
    } catch (error) {
      pausedUntil = performance.now() + PAUSE_MS
      log.warn({ err: error }, 'continuing without PostgreSQL')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  const load = async (key: CacheKey): Promise<StoredEntry | undefined> => {
    const heardBefore = heard
    const found = await inTime(() => loadEntries(pool, key, Date.now()), READ_MS_MAX)
    if (!found) return undefined
    for (const entryId of found.unfit) {
      log.warn({ entryId, tenant: key.tenant }, 'removing an entry that does not match its key')
      await inTime(() => forgetEntries(pool, origin, key.tenant, { entryId }), READ_MS_MAX)
    }
    // A message received meanwhile may be newer than this read.
    if (heard !== heardBefore) return fresh(found.entries)
    if (found.entries.length === 0) known.delete(prefixOf(key.hash))
    for (const entry of found.entries) memory.keep(key, entry)
    return fresh(found.entries)
  }
  /** Concurrent look-ups of a key share one query. */
  const loadOnce = (key: CacheKey): Promise<StoredEntry | undefined> => {
    const under = loading.get(key.hash) ?? load(key).finally(() => loading.delete(key.hash))
    loading.set(key.hash, under)
    return under
  }

  const write = batched<EntryToKeep, undefined>(async (items) => {
    await storeEntries(pool, origin, items)
    return items.map(() => undefined)
  })

  const evictNowAndThen = (): void => {
    if (evicting || (++putsSinceEviction < PUTS_PER_EVICTION && tableBytes <= bytesMax)) return
    putsSinceEviction = 0
    const before = bytesPut
    evicting = evictEntries(pool, bytesMax)
      .then((result) => {
        evicted += result.evicted
        // Concurrent puts may be counted twice, which costs another check; missing them would never be corrected.
        tableBytes = result.bytes + bytesPut - before
      })
      .catch((error: unknown) => log.warn({ err: error }, 'evicting entries failed'))
      .finally(() => {
        evicting = undefined
        if (tableBytes > bytesMax && bytesPut > before) evictNowAndThen()
      })
  }

  await opened.promise
  return {
    origin,
    async find(key) {
      const kept = memory.find(key, Date.now())
      if (kept) return kept
      if (hearing && !known.has(prefixOf(key.hash))) return undefined
      return loadOnce(key)
    },
    findStored: loadOnce,
    async keep(key, value, ttlMs) {
      if (!mayServe(value)) {
        throw new DeedError(
          'evidence_missing',
          'the answer has an action without verification; only fully verified answers are cached',
          {
            path: '$.value.evidence',
          },
        )
      }
      const storedAtMs = Date.now()
      const ttl = Math.min(ttlMs ?? (value.kind === 'answer' ? answerTtlMs : SOLUTION_TTL_MS), TTL_MS_MAX)
      const entry: StoredEntry = {
        // The same execution's value for the same key is the same entry, however often it is put.
        entryId: uuidV5(value.execution_id, `${value.kind} ${key.hash}`),
        value,
        storedAtMs,
        expiresAtMs: storedAtMs + ttl,
        bytes: bytesOf(key, value),
      }
      heard++
      memory.keep(key, entry)
      known.add(prefixOf(key.hash))
      tableBytes += entry.bytes
      bytesPut += entry.bytes
      changed(key.hash)
      await inTime(() => write({ key, entry }), WRITE_MS_MAX)
      evictNowAndThen()
      return entry
    },
    async forget(tenant, what) {
      const removed = await inTime(() => forgetEntries(pool, origin, tenant, what), WRITE_MS_MAX)
      if (!removed)
        throw new DeedError(
          'unavailable',
          "the cache's database does not answer, so nothing was invalidated; try again",
        )
      if ('all' in what) memory.dropTenant(tenant)
      for (const hash of removed) {
        memory.drop(hash)
        changed(hash)
      }
      return removed.length
    },
    count: async (tenant) => (await inTime(() => countEntries(pool, tenant), READ_MS_MAX)) ?? memory.ofTenant(tenant),
    onChange(listener) {
      changed = listener
    },
    get evictions() {
      return evicted + memory.evictions
    },
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]()
      await evicting
    },
  }
}

function fresh(entries: readonly StoredEntry[]): StoredEntry | undefined {
  return entries.find(({ value }) => value.kind === 'answer') ?? entries[0]
}

/** 48 bits of a hash, which a number represents exactly. */
function prefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16)
}
