/** The same thing again and again, a number of them at once, and how long each took. */
import { rounded } from './scenario.ts'

export interface Load {
  /** How long each took in milliseconds, in the order of their ends. */
  latencies: number[]
  /** Until the last of them had ended. */
  seconds: number
}

/** Begins new ones for `durationMs`, and waits for those in flight. Where one throws, the load ends. */
export async function load(inFlight: number, durationMs: number, once: () => Promise<void>): Promise<Load> {
  const latencies: number[] = []
  const start = performance.now()
  const lane = async (): Promise<void> => {
    for (let from = start; from < start + durationMs; from = performance.now()) {
      await once()
      latencies.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { latencies, seconds: (performance.now() - start) / 1000 }
}

/** The columns of a line. */
export function latencyFigures({ latencies, seconds }: Load) {
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    p50_ms: rounded(percentile(sorted, 50)),
    p95_ms: rounded(percentile(sorted, 95)),
    p99_ms: rounded(percentile(sorted, 99)),
    per_second: rounded(latencies.length / seconds, 1),
  }
}

/** By nearest rank. @param sorted ascending */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}
