/** What one observation of the world showed. */
import type { JsonObject } from '@deed/proto/json'

export interface Seen {
  readonly outcome: 'verified' | 'failed' | 'unverified'
  /** In a sentence. */
  readonly observed: string
  readonly facts?: JsonObject
}

export const verified = (observed: string, facts?: JsonObject): Seen => seen('verified', observed, facts)
export const failed = (observed: string, facts?: JsonObject): Seen => seen('failed', observed, facts)
export const unverified = (observed: string, facts?: JsonObject): Seen => seen('unverified', observed, facts)

const seen = (outcome: Seen['outcome'], observed: string, facts?: JsonObject): Seen =>
  facts === undefined ? { outcome, observed } : { outcome, observed, facts }
