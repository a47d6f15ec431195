/** Waits for a condition, not for a time. */
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 20

/**
 * The first value of `condition` that is neither false nor undefined.
 *
 * @throws after `timeoutMs`, naming `what`, with the condition's last error as cause
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {},
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`${what} did not happen within ${timeoutMs} ms`, { cause: last })
    await sleep(PAUSE_MS)
  }
}
