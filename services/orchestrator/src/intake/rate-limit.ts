/**
 * Limits the request rate of an identity, and the number of waiting executions of a tenant.
 *
 * Both are counted in memory, by each replica separately: exact enough to protect others from a runaway client, without
 * any round trip.
 */

import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { LRUCache } from 'lru-cache'

/** The size of a bucket, in seconds of its refill rate. */
const BURST_SECONDS = 2
/** The number of remembered identities; the bucket of an idle one is full, so forgetting it changes nothing. */
const IDENTITIES_MAX = 10_000
/** A guess: workers free slots all the time. */
const FULL_RETRY_MS = 1_000

export interface RateLimit {
  /** @throws {DeedError} `rate_limited` or `overloaded`, with `retry_after_ms` in its details */
  admit(principal: Principal): void
  /** Whether the tenant has as many waiting executions as allowed. */
  isFull(tenant: string): boolean
}

interface Bucket {
  tokens: number
  filledAt: number
}

/** @param now a monotonic clock, in milliseconds */
export function rateLimit(
  { requests_per_second: perSecond, waiting }: { requests_per_second: number; waiting: number },
  capacity: { waitingOf(tenant: string): number },
  now: () => number = () => performance.now(),
): RateLimit {
  const buckets = new LRUCache<string, Bucket>({ max: IDENTITIES_MAX })
  const full = perSecond * BURST_SECONDS

  const bucketOf = (key: string, at: number): Bucket => {
    const bucket = buckets.get(key)
    if (bucket) return bucket
    const made = { tokens: full, filledAt: at }
    buckets.set(key, made)
    return made
  }

  const isFull = (tenant: string): boolean => capacity.waitingOf(tenant) >= waiting

  return {
    admit({ tenant, user }) {
      const at = now()
      const bucket = bucketOf(`${tenant}.${user}`, at)
      bucket.tokens = Math.min(full, bucket.tokens + ((at - bucket.filledAt) * perSecond) / 1_000)
      bucket.filledAt = at
      if (bucket.tokens < 1) {
        const retry_after_ms = Math.ceil(((1 - bucket.tokens) * 1_000) / perSecond)
        throw new DeedError(
          'rate_limited',
          `${tenant}.${user} sends more than ${perSecond} requests per second; retry in ${retry_after_ms} ms`,
          { details: { retry_after_ms } },
        )
      }
      bucket.tokens--
      if (isFull(tenant)) {
        throw new DeedError(
          'overloaded',
          `${waiting} executions of tenant ${tenant} are already waiting for a slot; try again later, or add executors`,
          { details: { retry_after_ms: FULL_RETRY_MS } },
        )
      }
    },
    isFull,
  }
}
