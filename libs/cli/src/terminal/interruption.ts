/**
 * Ctrl+C, and what it means: the first asks to drain, a second one ends the process at once.
 *
 * One press may arrive twice, from the terminal and from npm, which sends it on; so what follows within half a second
 * is the same press.
 */
import { EXIT } from './exit-code.ts'

const SAME_PRESS_MS = 500

export interface Interruption {
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>
  readonly happened: boolean
}

export function listenForInterruption(): Interruption {
  let first: number | undefined
  const received = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        first ??= performance.now()
        if (performance.now() - first > SAME_PRESS_MS) process.exit(EXIT.interrupted)
        resolve(signal)
      })
    }
  })
  return {
    received,
    get happened() {
      return first !== undefined
    },
  }
}
