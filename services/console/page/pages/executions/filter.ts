/** The filters of the list: how the address names them, and what the mesh is asked. Pure. */
import { oneOf, type Place, readQuery, time, words } from '../../app/router.ts'
import { exactSince } from '../../text/times.ts'

export const STATUSES = [
  'planning',
  'waiting',
  'running',
  'paused',
  'undoing',
  'done',
  'failed',
  'denied',
  'cancelled',
  'rolled_back',
  'rollback_failed',
] as const

/** What the truth figures of the overview count. */
export const COUNTED = {
  open: 'open',
  verified: 'verified',
  unverified: 'done, unverified',
  false_success: 'false success',
  duplicate_effect: 'duplicate effect',
  rollback_failed: 'rollback failed',
  cache_hit: 'from the cache',
} as const
const METHODS = ['autonomous', 'cached', 'llm_assisted', 'fallback', 'error'] as const

const TYPES = {
  text: words(256),
  status: oneOf(STATUSES),
  only: oneOf(Object.keys(COUNTED) as (keyof typeof COUNTED)[]),
  user: words(64),
  target: words(256),
  error: words(256),
  since: time,
  until: time,
  method: oneOf(METHODS),
  template: words(128),
}

/** @returns the filter at a time, in milliseconds since 1970; and what of the address is no filter */
export function readFilter(query: Place['query']) {
  const { values, faults } = readQuery(query, TYPES)
  const { since, until, ...same } = values
  return {
    faults,
    at: (now: number) => ({
      ...same,
      ...(since === undefined ? {} : { since: exactSince(since, now) }),
      ...(until === undefined ? {} : { until: exactSince(until, now) }),
    }),
  }
}
