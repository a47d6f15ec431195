/** A service, whatever runs it: what is known of it, and what can be done with it. */

/** What runs of a service. */
export interface Running {
  /** In the words of `Action.expect_before`; another one after every restart. */
  readonly state: string
  /** As in `process 42`. */
  readonly text: string
  readonly pid?: number
}

export interface ServiceState {
  /** Absent when nothing runs. */
  readonly running?: Running
  /** Absent when nothing runs, or nobody can say how it is. */
  readonly health?: { readonly ok: boolean; readonly text: string }
}

export interface ServiceProvider {
  readonly environment: string | undefined
  state(signal: AbortSignal): Promise<ServiceState>
  /** Starts it where it does not run, and waits for a while until it is healthy. Whether it is, an observation says. */
  start(signal: AbortSignal): Promise<void>
  stop(signal: AbortSignal): Promise<void>
  /** Where it is more than stopping and starting. */
  restart?(signal: AbortSignal): Promise<void>
}

export const stateText = ({ running }: ServiceState): string => running?.state ?? 'stopped'
