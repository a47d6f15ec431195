/**
 * Remembers which questions were recently answered from the cache, so that they go to the cache first. Only a hint: if
 * it is wrong, a round trip is lost.
 */

import type { CacheScope } from '@deed/proto/cache'
import { LRUCache } from 'lru-cache'

const SCOPES_MAX = 10_000

export interface CachedBefore {
  has(tenant: string, scope: CacheScope): boolean
  note(tenant: string, scope: CacheScope): void
  forget(tenant: string, scope: CacheScope): void
}

export function cachedBefore(): CachedBefore {
  const scopes = new LRUCache<string, true>({ max: SCOPES_MAX })
  const keyOf = (tenant: string, { text, language, context_hash }: CacheScope): string =>
    `${tenant} ${language ?? ''} ${context_hash} ${text}`
  return {
    has: (tenant, scope) => scopes.has(keyOf(tenant, scope)),
    note: (tenant, scope) => void scopes.set(keyOf(tenant, scope), true),
    forget: (tenant, scope) => void scopes.delete(keyOf(tenant, scope)),
  }
}
