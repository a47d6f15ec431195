/**
 * Single flight: of all concurrent callers for one key, over all replicas, one computes and the others wait.
 *
 * The right to compute is a lease in PostgreSQL. Waiting callers are woken by the put, the release or the end of the
 * lease, in any replica; nothing polls.
 */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { CacheKey } from '../entry/cache-key.ts'
import type { StoredEntry } from '../entry/entry.ts'
import { endLease, takeLease } from '../store/leases.ts'
import type { ExactTier } from './exact-tier.ts'

/** The time that a leader may be silent. */
export const LEASE_MS = 10_000
/** A lease ends by PostgreSQL's clock, which may be slightly behind this one. */
const SLACK_MS = 20
/** Time left to the caller when it is told to compute by itself. */
const ANSWER_BEFORE_MS = 100

export type Reserved = { readonly entry: StoredEntry } | { readonly leadMs: number }

export interface Reservations {
  /**
   * The entry as soon as it exists, or the right to compute it. The same execution gets the same right again.
   *
   * @param deadline on the clock of `performance.now()`
   * @throws {DeedError} deadline_exceeded if neither is available in time
   */
  reserve(key: CacheKey, executionId: ExecutionId, deadline: number): Promise<Reserved>
  /** @returns whether the execution held the right */
  release(key: CacheKey, executionId: ExecutionId): Promise<boolean>
}

/** One computation, here or in another replica. */
interface Flight {
  leader: ExecutionId | undefined
  endsAt: number
  /** Resolves once the leader is known. */
  readonly decided: Promise<void>
  readonly wake: Set<() => void>
}

export function reservations(options: {
  tier: ExactTier
  store: Pick<Store<unknown>, 'pool'>
  log: Log
  leaseMs?: number
}): Reservations {
  const { tier, log, leaseMs = LEASE_MS } = options
  const { pool } = options.store
  const flights = new Map<string, Flight>()

  const end = (hash: string): void => {
    const flight = flights.get(hash)
    flights.delete(hash)
    for (const wake of flight?.wake ?? []) wake()
  }
  tier.onChange((hash) => {
    if (hash !== undefined) end(hash)
    else for (const each of [...flights.keys()]) end(each)
  })

  const lead = async (key: CacheKey, executionId: ExecutionId): Promise<Reserved | undefined> => {
    const { promise: decided, resolve } = Promise.withResolvers<void>()
    const flight: Flight = { leader: executionId, endsAt: Number.POSITIVE_INFINITY, decided, wake: new Set() }
    flights.set(key.hash, flight)
    try {
      const asked = performance.now()
      const { won, leftMs } = await takeLease(pool, key, executionId, leaseMs)
      flight.endsAt = asked + leftMs + SLACK_MS
      if (!won) {
        flight.leader = undefined
        return undefined
      }
    } catch (error) {
      // Without PostgreSQL each replica has its own leader: computing twice is better than not at all.
      log.warn({ err: error }, 'reserved without PostgreSQL')
      flight.endsAt = performance.now() + leaseMs
      return { leadMs: leaseMs }
    } finally {
      setTimeout(() => flights.get(key.hash) === flight && end(key.hash), flight.endsAt - performance.now()).unref()
      resolve()
    }
    // An entry stored between the read and the lease makes computing unnecessary.
    const entry = await tier.findStored(key)
    if (!entry) return { leadMs: leaseMs }
    await release(key, executionId)
    return { entry }
  }

  const release = async (key: CacheKey, executionId: ExecutionId): Promise<boolean> => {
    const led = flights.get(key.hash)?.leader === executionId
    try {
      return (await endLease(pool, tier.origin, key, executionId)) || led
    } catch (error) {
      log.warn({ err: error }, 'released without PostgreSQL')
      return led
    } finally {
      if (led) end(key.hash)
    }
  }

  return {
    async reserve(key, executionId, deadline) {
      for (;;) {
        const entry = await tier.find(key)
        if (entry) return { entry }
        const now = performance.now()
        if (now >= deadline - ANSWER_BEFORE_MS) {
          throw new DeedError(
            'deadline_exceeded',
            'another execution is computing this answer and has not finished; try again',
          )
        }
        const flight = flights.get(key.hash)
        if (!flight) {
          const reserved = await lead(key, executionId)
          if (reserved) return reserved
        } else {
          await flight.decided
          if (flight.leader === executionId && flights.get(key.hash) === flight) {
            return { leadMs: Math.max(1, Math.floor(flight.endsAt - performance.now())) }
          }
          if (flights.get(key.hash) === flight) await woken(flight, deadline - ANSWER_BEFORE_MS - performance.now())
        }
      }
    },
    release,
  }

  /** Resolves when the flight ends, or after `msMax`. */
  function woken(flight: Flight, msMax: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        flight.wake.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.max(0, msMax))
      flight.wake.add(wake)
    })
  }
}
