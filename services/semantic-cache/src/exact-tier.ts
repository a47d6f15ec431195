/**
 * The exact tier: entries in memory, all of them in PostgreSQL, and a note of which keys are there at all.
 *
 * A question that nobody has answered is answered so from memory: the hashes that PostgreSQL has are known here, and
 * kept so by the messages of the other replicas. While those cannot be heard, PostgreSQL is asked. While PostgreSQL is
 * away, memory goes on, and the rest are misses.
 */
import { randomUUID } from 'node:crypto'
import { uuidV5 } from '@deed/mesh/canonical-json'
import type { CacheValue } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import { batched } from '@deed/store/batched'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { CacheKey } from './cache-key.ts'
import { bytesOf, type KeptEntry, mayServe } from './entry.ts'
import { memoryTier } from './memory-tier.ts'
import {
  countEntries,
  type EntryToKeep,
  evictEntries,
  type Forget,
  forgetEntries,
  knownPrefixes,
  loadEntries,
  storeEntries,
} from './store/entries.ts'
import { listen, type Message } from './store/messages.ts'

/** Whoever asks the cache would rather compute than wait longer. */
const READ_MS_MAX = 200
const WRITE_MS_MAX = 1_500
/** After PostgreSQL has failed it is not asked for so long. */
const PAUSE_MS = 1_000
/** Entries kept between two looks at what must leave the table. */
const PUTS_PER_EVICTION = 500
const SOLUTION_TTL_MS = 24 * 60 * 60 * 1_000
const TTL_MS_MAX = 30 * 24 * 60 * 60 * 1_000

export interface ExactTier extends AsyncDisposable {
  /** Names this process in what replicas tell one another. */
  readonly origin: string
  /** The fresh answer of a key, else its fresh solution. Failures of PostgreSQL are misses. */
  find(key: CacheKey): Promise<KeptEntry | undefined>
  /** As `find`, asking PostgreSQL in any case. */
  findStored(key: CacheKey): Promise<KeptEntry | undefined>
  /** @throws {DeedError} evidence_missing for an answer that was not wholly verified */
  keep(key: CacheKey, value: CacheValue, ttlMs: number | undefined): Promise<KeptEntry>
  /** @throws {DeedError} unavailable: what cannot be removed everywhere is not reported as removed */
  forget(tenant: string, what: Forget): Promise<number>
  count(tenant: string): Promise<{ entries: number; bytes: number }>
  /** Is told when something may have changed for a key; without a key, for all of them. */
  onChange(listener: (hash: string | undefined) => void): void
  readonly evictions: number
}

export interface ExactTierOptions {
  store: Pick<Store<unknown>, 'pool'>
  bytesMax: number
  answerTtlMs: number
  log: Log
}

/** Open once it knows what PostgreSQL has, or knows that PostgreSQL does not say. */
export async function openExactTier({ store, bytesMax, answerTtlMs, log }: ExactTierOptions): Promise<ExactTier> {
  const { pool } = store
  const origin = randomUUID()
  const memory = memoryTier(bytesMax)
  const loading = new Map<string, Promise<KeptEntry | undefined>>()
  let known = new Set<number>()
  let hearing = false
  /** Entries kept here and messages of others: what was read before one of them may be old. */
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
        // Heard before it is read, so nothing falls in between; and what is in memory may be what was missed.
        known = new Set()
        memory.clear()
        const found = await knownPrefixes(pool)
        for (const prefix of found.prefixes) known.add(prefix)
        tableBytes = found.bytes
        hearing = true
        opened.resolve()
        changed(undefined)
        log.info({ keys: known.size }, 'entries are known')
      },
      onLost() {
        hearing = false
        opened.resolve()
      },
    },
    log,
  )

  /** @returns undefined where PostgreSQL does not answer in time, or is known not to */
  const inTime = async <T>(work: () => Promise<T>, msMax: number): Promise<T | undefined> => {
    if (performance.now() < pausedUntil) return undefined
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`PostgreSQL did not answer within ${msMax} ms`)), msMax)
    try {
      return await Promise.race([work(), late.promise])
    } catch (error) {
      pausedUntil = performance.now() + PAUSE_MS
      log.warn({ err: error }, 'going on without PostgreSQL')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  const load = async (key: CacheKey): Promise<KeptEntry | undefined> => {
    const heardBefore = heard
    const found = await inTime(() => loadEntries(pool, key, Date.now()), READ_MS_MAX)
    if (!found) return undefined
    for (const entryId of found.unfit) {
      log.warn({ entryId, tenant: key.tenant }, 'an entry is not what its key says, and is removed')
      await inTime(() => forgetEntries(pool, origin, key.tenant, { entryId }), READ_MS_MAX)
    }
    // What was said meanwhile may be newer than what was read.
    if (heard !== heardBefore) return fresh(found.entries)
    if (found.entries.length === 0) known.delete(prefixOf(key.hash))
    for (const entry of found.entries) memory.keep(key, entry)
    return fresh(found.entries)
  }
  /** However many ask for a key at once, PostgreSQL is asked once. */
  const loadOnce = (key: CacheKey): Promise<KeptEntry | undefined> => {
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
        // What was put meanwhile may be counted or not: counted twice it costs another look, missed it would stay.
        tableBytes = result.bytes + bytesPut - before
      })
      .catch((error: unknown) => log.warn({ err: error }, 'entries could not be evicted'))
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
        throw new DeedError('evidence_missing', 'only an answer whose every action was verified is kept', {
          path: '$.value.evidence',
        })
      }
      const storedAtMs = Date.now()
      const ttl = Math.min(ttlMs ?? (value.kind === 'answer' ? answerTtlMs : SOLUTION_TTL_MS), TTL_MS_MAX)
      const entry: KeptEntry = {
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
          'the store of the cache does not answer, so nothing was forgotten; ask again',
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

function fresh(entries: readonly KeptEntry[]): KeptEntry | undefined {
  return entries.find(({ value }) => value.kind === 'answer') ?? entries[0]
}

/** 48 bits of a hash, which a number holds exactly. */
function prefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16)
}
