/**
 * The key of a question: everything that must be equal for its answer to be the same.
 *
 * A wrong hit is worse than a miss. So only spelling that cannot change the meaning is normalised: composed letters,
 * line ends, and spaces between words outside quotes and code. Case, punctuation and compatibility forms stay: `x²` is
 * not `x2`.
 */
import { hashJson } from '@deed/json/canonical-json'
import type { CacheScope } from '@deed/proto/cache'
import type { Language } from '@deed/proto/template'

/** The version of stored values; a new version begins with an empty cache. */
const VALUE_VERSION = 1

export interface CacheKey {
  readonly tenant: string
  readonly text: string
  readonly language: Language | undefined
  readonly contextHash: string
  /** SHA-256 of all other fields, in hex. */
  readonly hash: string
}

export function cacheKey(tenant: string, { text, language, context_hash: contextHash }: CacheScope): CacheKey {
  const normalised = normalise(text)
  const hash = hashJson({
    tenant,
    text: normalised,
    language: language ?? null,
    context: contextHash,
    version: VALUE_VERSION,
  })
  return { tenant, text: normalised, language, contextHash, hash }
}

const QUOTES_OR_CODE = /["'`“”„«»‘’]/

/** Idempotent. */
export function normalise(text: string): string {
  const composed = text.normalize('NFC').replaceAll('\r\n', '\n').replaceAll('\r', '\n').trim()
  if (QUOTES_OR_CODE.test(composed) || composed.includes('\n')) return composed
  return composed.replaceAll(/[ \t\u00a0]+/g, ' ')
}
