/** The size of the table of entries, as far as this replica knows it, and the eviction that keeps it within its bound. */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { evictEntries } from '../store/entries.ts'

/** Number of puts between two checks of the table size. */
const PUTS_PER_EVICTION = 500

export interface TableSize extends AsyncDisposable {
  /** Replaces what was known. */
  set(bytes: number): void
  /** Another replica has stored an entry. */
  added(bytes: number): void
  /** This replica stores an entry. */
  put(bytes: number): void
  /** Begins an eviction where it is time for one, and does not wait for it. */
  evictIfDue(): void
  /** Number of entries. */
  readonly evicted: number
}

interface Options {
  pool: Store<unknown>['pool']
  bytesMax: number
  log: Log
}

export function tableSize({ pool, bytesMax, log }: Options): TableSize {
  let tableBytes = 0
  let putsSinceEviction = 0
  let bytesPut = 0
  let evicted = 0
  let evicting: Promise<void> | undefined

  const evictIfDue = (): void => {
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
        if (tableBytes > bytesMax && bytesPut > before) evictIfDue()
      })
  }

  return {
    set(bytes) {
      tableBytes = bytes
    },
    added(bytes) {
      tableBytes += bytes
    },
    put(bytes) {
      tableBytes += bytes
      bytesPut += bytes
    },
    evictIfDue,
    get evicted() {
      return evicted
    },
    async [Symbol.asyncDispose]() {
      await evicting
    },
  }
}
