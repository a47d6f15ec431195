/**
 * Single flight: of those who ask for one key at once, over all replicas, one computes and the others wait for it.
 *
 * The right to compute is a lease in PostgreSQL. Whoever waits is woken by the put or the release, here or in another
 * replica, or by the end of the lease; nobody asks again and again.
 */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { CacheKey } from './cache-key.ts'
import type { KeptEntry } from './entry.ts'
import type { ExactTier } from './exact-tier.ts'
import { endLease, takeLease } from './store/leases.ts'

/** So long a leader may be silent. */
export const LEASE_MS = 10_000
/** A lease is over when PostgreSQL says so, which is a moment after the clock here does. */
const SLACK_MS = 20
/** Left of a caller's time when it is told to go on by itself. */
const ANSWER_BEFORE_MS = 100

export type Reserved = { readonly entry: KeptEntry } | { readonly leadMs: number }

export interface Reservations {
  /**
   * The entry, as soon as there is one; or the right to compute it. The same execution is given the same right again.
   *
   * @param deadline on the clock of `performance.now()`
   * @throws {DeedError} deadline_exceeded when neither came about in time
   */
  reserve(key: CacheKey, executionId: ExecutionId, deadline: number): Promise<Reserved>
  /** @returns whether the execution had the right */
  release(key: CacheKey, executionId: ExecutionId): Promise<boolean>
}

/** Somebody computes: here, or in another replica. */
interface Flight {
  leader: ExecutionId | undefined
  endsAt: number
  /** Resolves once it is known who leads. */
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
      // Without PostgreSQL each replica has a leader of its own: twice computed is better than not at all.
      log.warn({ err: error }, 'reserved without PostgreSQL')
      flight.endsAt = performance.now() + leaseMs
      return { leadMs: leaseMs }
    } finally {
      setTimeout(() => flights.get(key.hash) === flight && end(key.hash), flight.endsAt - performance.now()).unref()
      resolve()
    }
    // Put between the look and the lease: then there is nothing to compute.
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
            'somebody else computes this answer, and it is not there yet; ask again',
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

  /** Until the flight ends, or `msMax` have passed. */
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
