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
  type Forget,
  forgetEntries,
  knownPrefixes,
  loadEntries,
  storeEntries,
} from '../store/entries.ts'
import { listen, type Message } from '../store/messages.ts'
import { queriesInTime } from './in-time.ts'
import { memoryTier } from './memory-tier.ts'
import { storedKeys } from './stored-keys.ts'
import { tableSize } from './table-size.ts'

/** A caller would rather compute than wait longer. */
const READ_MS_MAX = 200
const WRITE_MS_MAX = 1_500
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

/** Follows which entries are stored, so that similar ones can be found. */
export interface Follower {
  /** Stored by this process. */
  onPut(key: CacheKey, entry: StoredEntry): void
  /** Stored by another replica. */
  onStored(hash: string): void
  onDropped(hash: string): void
  onCleared(tenant: string): void
  /** From now on every change is reported; earlier ones are in the table. */
  onHearing(): Promise<void>
  /** Changes of other replicas may be missing until `onHearing`. */
  onLost(): void
}

export interface ExactTierOptions {
  store: Pick<Store<unknown>, 'pool'>
  bytesMax: number
  answerTtlMs: number
  follower?: Follower
  log: Log
}

/** Ready once it knows the stored keys, or knows that PostgreSQL is unavailable. */
export async function openExactTier({
  store,
  bytesMax,
  answerTtlMs,
  follower,
  log,
}: ExactTierOptions): Promise<ExactTier> {
  const { pool } = store
  const origin = randomUUID()
  const memory = memoryTier(bytesMax)
  const size = tableSize({ pool, bytesMax, log })
  const inTime = queriesInTime(log)
  const loading = new Map<string, Promise<StoredEntry | undefined>>()
  const keys = storedKeys()
  /** Counts local puts and messages of others: a read that began before the latest one may be stale. */
  let heard = 0
  let changed: (hash: string | undefined) => void = () => undefined

  const onMessage = (message: Message): void => {
    heard++
    if (message.type === 'clear') {
      memory.dropTenant(message.tenant)
      follower?.onCleared(message.tenant)
    } else {
      if (message.type !== 'free') memory.drop(message.hash)
      if (message.type === 'drop') follower?.onDropped(message.hash)
      if (message.type === 'put') {
        follower?.onStored(message.hash)
        keys.add(message.hash)
        size.added(message.bytes)
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
        keys.clear()
        memory.clear()
        const found = await knownPrefixes(pool)
        keys.complete(found.prefixes)
        size.set(found.bytes)
        await follower?.onHearing()
        opened.resolve()
        changed(undefined)
        log.info({ keys: keys.size }, 'stored keys loaded')
      },
      onLost() {
        keys.lost()
        follower?.onLost()
        opened.resolve()
      },
    },
    log,
  )

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
    if (found.entries.length === 0) keys.delete(key.hash)
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

  await opened.promise
  return {
    origin,
    async find(key) {
      const kept = memory.find(key, Date.now())
      return kept ?? (keys.mayHave(key.hash) ? loadOnce(key) : undefined)
    },
    findStored: loadOnce,
    async keep(key, value, ttlMs) {
      const entry = entryOf(key, value, ttlMs ?? (value.kind === 'answer' ? answerTtlMs : SOLUTION_TTL_MS))
      heard++
      memory.keep(key, entry)
      follower?.onPut(key, entry)
      keys.add(key.hash)
      size.put(entry.bytes)
      changed(key.hash)
      await inTime(() => write({ key, entry }), WRITE_MS_MAX)
      size.evictIfDue()
      return entry
    },
    async forget(tenant, what) {
      const removed = await inTime(() => forgetEntries(pool, origin, tenant, what), WRITE_MS_MAX)
      if (!removed)
        throw new DeedError(
          'unavailable',
          "the cache's database does not answer, so nothing was invalidated; try again",
        )
      if ('all' in what) {
        memory.dropTenant(tenant)
        follower?.onCleared(tenant)
      }
      for (const hash of removed) {
        memory.drop(hash)
        follower?.onDropped(hash)
        changed(hash)
      }
      return removed.length
    },
    count: async (tenant) => (await inTime(() => countEntries(pool, tenant), READ_MS_MAX)) ?? memory.ofTenant(tenant),
    onChange(listener) {
      changed = listener
    },
    get evictions() {
      return size.evicted + memory.evictions
    },
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]()
      await size[Symbol.asyncDispose]()
    },
  }
}

/** @throws {DeedError} evidence_missing for an answer with unverified parts */
function entryOf(key: CacheKey, value: CacheValue, ttlMs: number): StoredEntry {
  if (!mayServe(value)) {
    throw new DeedError(
      'evidence_missing',
      'the answer has an action without verification; only fully verified answers are cached',
      { path: '$.value.evidence' },
    )
  }
  const storedAtMs = Date.now()
  return {
    // The same execution's value for the same key is the same entry, however often it is put.
    entryId: uuidV5(value.execution_id, `${value.kind} ${key.hash}`),
    value,
    storedAtMs,
    expiresAtMs: storedAtMs + Math.min(ttlMs, TTL_MS_MAX),
    bytes: bytesOf(key, value),
  }
}

function fresh(entries: readonly StoredEntry[]): StoredEntry | undefined {
  return entries.find(({ value }) => value.kind === 'answer') ?? entries[0]
}
