/** How often somebody may fail to sign in: within a window, from one address and in all. */
import { Refusal } from './refusal.ts'

const WINDOW_MS = 60_000
const FAILURES_MAX = 10
/** Behind a proxy all come from one address; in all, so that many addresses are no way around. */
const FAILURES_MAX_IN_ALL = 200
const ALL = ''

export interface Attempts {
  /** @throws {Refusal} where there were too many failures */
  check(address: string): void
  failed(address: string): void
}

/** @param now in milliseconds */
export function openAttempts(now: () => number = Date.now): Attempts {
  let begun = now()
  const failures = new Map<string, number>()
  const roll = (): void => {
    if (now() - begun < WINDOW_MS) return
    begun = now()
    failures.clear()
  }
  return {
    check(address) {
      roll()
      if ((failures.get(address) ?? 0) >= FAILURES_MAX || (failures.get(ALL) ?? 0) >= FAILURES_MAX_IN_ALL)
        throw new Refusal('rate', 'too many attempts to sign in failed; wait a minute')
    },
    failed(address) {
      roll()
      // Bounded by the failures in all.
      for (const key of [address, ALL]) failures.set(key, (failures.get(key) ?? 0) + 1)
    },
  }
}
