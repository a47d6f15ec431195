/** The same thing again and again, a number of them at once, and how long each took. */
import { rounded } from './scenario.ts'

export interface LoadOptions {
  inFlight: number
  /** Not measured: connections open, statements are planned, code is compiled. */
  warmUpMs: number
  measureMs: number
  /** Called when nothing is in flight, between the two. */
  beforeMeasuring?: () => Promise<void>
}

export interface Measured {
  count: number
  seconds: number
  p50_ms: number
  p95_ms: number
  p99_ms: number
  mean_ms: number
}

/** @param once gets the number of the try, and whether it counts. Where it throws, the load ends. */
export async function load(
  { inFlight, warmUpMs, measureMs, beforeMeasuring }: LoadOptions,
  once: (number: number, measured: boolean) => Promise<void>,
): Promise<Measured> {
  let number = 0
  const during = async (durationMs: number, counts: boolean): Promise<number[]> => {
    const latencies: number[] = []
    const end = performance.now() + durationMs
    const lane = async (): Promise<void> => {
      for (let from = performance.now(); from < end; from = performance.now()) {
        await once(number++, counts)
        latencies.push(performance.now() - from)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, lane))
    return latencies
  }
  await during(warmUpMs, false)
  await beforeMeasuring?.()
  const from = performance.now()
  const latencies = await during(measureMs, true)
  const seconds = (performance.now() - from) / 1000
  latencies.sort((a, b) => a - b)
  return {
    count: latencies.length,
    seconds,
    p50_ms: rounded(percentile(latencies, 50)),
    p95_ms: rounded(percentile(latencies, 95)),
    p99_ms: rounded(percentile(latencies, 99)),
    mean_ms: rounded(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length),
  }
}

/** By nearest rank. @param sorted ascending */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}
