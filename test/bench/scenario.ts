/** What a scenario is: something that is measured, and the lines that come of it. */

export interface Settings {
  /** How long each thing is measured. */
  seconds: number
  /** Whether the caller chose the seconds, or the scenario may take its own. */
  secondsGiven: boolean
  /** Other than the default of execution.yaml. */
  workers?: number
  /** Where the CPU profiles of the services go; absent: none are made. */
  profileDir?: string
  /** How many mutated sentences are understood; absent: none. */
  fuzz?: number
  /** Whether the sentences that are not understood are listed. */
  misses: boolean
}

/** One measurement. Figures that a scenario does not have are absent, those that this machine cannot tell are null. */
export interface Line {
  scenario: string
  p50_ms?: number
  p95_ms?: number
  p99_ms?: number
  per_second?: number
  /** CPU seconds of everything that took part but the client, per thousand of what was measured. */
  cpu_s_per_1000?: number | null
  [more: string]: number | string | null | undefined | Record<string, number>
}

export interface Scenario {
  name: string
  summary: string
  /**
   * @param opened takes whatever is started; the caller closes it, early too
   * @throws when anything that was measured did not happen as it was claimed
   */
  run(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]>
}

/** A figure with as many digits as it is worth. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
