/** Evidence of what a person answers for: it is so because somebody, who is named, says so. */
import type { JsonObject } from '@deed/proto/json'
import type { Evidence } from '@deed/proto/observation'
import { isoTime } from './iso-time.ts'

const CHARS_MAX = 4_096

/** @param said.at milliseconds since 1970 */
export const signed = (said: { claimed: string; observed: string; at: number; facts: JsonObject }): Evidence => ({
  kind: 'signed',
  outcome: 'verified',
  claimed: said.claimed.slice(0, CHARS_MAX).toWellFormed(),
  observed: said.observed.slice(0, CHARS_MAX).toWellFormed(),
  observed_at: isoTime(said.at),
  facts: said.facts,
})
