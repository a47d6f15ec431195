/**
 * What a question is kept under: everything that must be equal for its answer to be the same.
 *
 * A wrong hit is worse than a miss. So words are only spelled one way where that cannot change what they say: letters
 * that are composed, line ends, and spaces between words outside quotes and code. Case, punctuation and compatibility
 * forms stay: `x²` is not `x2`.
 */
import { hashJson } from '@deed/mesh/canonical-json'
import type { CacheScope } from '@deed/proto/cache'
import type { Language } from '@deed/proto/template'

/** Of the kept values; a new one is a new, empty cache. */
const VALUE_VERSION = 1

export interface CacheKey {
  readonly tenant: string
  readonly text: string
  readonly language: Language | undefined
  readonly contextHash: string
  /** SHA-256 of all the others, in hex. */
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

/** Doing it again changes nothing. */
export function normalise(text: string): string {
  const composed = text.normalize('NFC').replaceAll('\r\n', '\n').replaceAll('\r', '\n').trim()
  if (QUOTES_OR_CODE.test(composed) || composed.includes('\n')) return composed
  return composed.replaceAll(/[ \t\u00a0]+/g, ' ')
}
