/** What a scenario is: something that is measured, and the lines that come of it. */

export interface Settings {
  /** How long each thing is measured. */
  seconds: number
  /** Whether the caller chose the seconds, or the scenario may take its own. */
  secondsGiven: boolean
  /** The root of the checkout whose mesh is measured. */
  checkout: string
  /** The root of the one that it is compared with. */
  against?: string
  /** Orchestrators, and executors; absent: one of each. */
  replicas?: number
  /** The thinking services share a process, as `deed up` has it; absent: each its own, as elsewhere. */
  together?: boolean
  /** Other than the default of execution.yaml. */
  workers?: number
  /** How many executions there are; absent: as many as the scenario takes. */
  rows?: number
  /** Where the CPU profiles of the services go; absent: none are made. */
  profileDir?: string
  /** How many mutated sentences are understood; absent: none. */
  fuzz?: number
  /** CSV files of questions, with the names of their answers. */
  stream?: string[]
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
  /** That it measures no part of a checkout: beside another there is nothing to compare. */
  ofTheMachine?: true
  /**
   * @param opened takes whatever is started; the caller closes it, early too
   * @throws when anything that was measured did not happen as it was claimed
   */
  run(settings: Settings, opened: AsyncDisposableStack): Promise<Line[]>
  /** Of a scenario that can be measured in slices. */
  open?(settings: Settings, opened: AsyncDisposableStack): Promise<Side>
}

/** A mesh that is given a load, a slice at a time. */
export interface Side {
  /** Not measured. @returns what one thing costs, to compare with other slices of this side */
  warm(durationMs: number): Promise<number>
  /** @returns the figures of this slice */
  slice(durationMs: number): Promise<Line>
  /** Checks what was claimed. @returns the figures of all slices together @throws as `run` does */
  finish(): Promise<Line>
}

/** A figure with as many digits as it is worth. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
