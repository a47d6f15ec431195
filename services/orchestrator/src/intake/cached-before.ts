/**
 * Which questions were answered from the cache lately, so that they are asked there first and alone. A hint: where it is
 * wrong, a round trip is lost.
 */
import type { CacheScope } from '@deed/proto/cache'

const SCOPES_MAX = 10_000

export interface CachedBefore {
  has(tenant: string, scope: CacheScope): boolean
  note(tenant: string, scope: CacheScope): void
  forget(tenant: string, scope: CacheScope): void
}

export function cachedBefore(): CachedBefore {
  const scopes = new Set<string>()
  const keyOf = (tenant: string, { text, language, context_hash }: CacheScope): string =>
    `${tenant} ${language ?? ''} ${context_hash} ${text}`
  return {
    has: (tenant, scope) => scopes.has(keyOf(tenant, scope)),
    note(tenant, scope) {
      scopes.add(keyOf(tenant, scope))
      const [oldest] = scopes
      if (scopes.size > SCOPES_MAX && oldest !== undefined) scopes.delete(oldest)
    },
    forget: (tenant, scope) => void scopes.delete(keyOf(tenant, scope)),
  }
}
