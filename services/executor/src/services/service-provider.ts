/** A service, whatever runs it: what is known of it, and what can be done with it. */
import { counted } from '@deed/config/counted'
import type { Facts } from '@deed/proto/action'
import type { LogLine } from './log-lines.ts'

/** What runs of a service. */
export interface Running {
  /** In the words of `Action.expect_before`; another one after every restart. */
  readonly state: string
  /** As in `process 42`. */
  readonly text: string
  readonly pid?: number
  /** How long it has run; absent: not known. */
  readonly ageMs?: number
  /** How often it has been started again by itself; absent: not counted. */
  readonly restarts?: number
}

export interface Health {
  /** `undefined`: it cannot be said. */
  readonly ok: boolean | undefined
  readonly text: string
  /** The process that answers. */
  readonly pid?: number
}

/** How what ran last has ended. */
export interface Ended {
  readonly text: string
  /** By SIGKILL: it could not finish what it was at. */
  readonly killed: boolean
}

export interface ServiceState {
  /** Absent when nothing runs. */
  readonly running?: Running
  /** Absent when nothing runs, or it has no health check. */
  readonly health?: Health
  /** Only where nothing runs. */
  readonly ended?: Ended
}

export interface ServiceProvider {
  /** What would run, where execution.yaml does not say it, by what it is: the image of a container. */
  resolves?(signal: AbortSignal): Promise<Facts>
  readonly environment: string | undefined
  /** How long it must have stayed up to count as up, in milliseconds. */
  readonly stableForMs: number
  /** What happens to it when it is stopped: what follows `it`, in a sentence. */
  readonly stopsBy: string
  state(signal: AbortSignal): Promise<ServiceState>
  /**
   * The newest lines of its log, the oldest first, at most `LINES_READ_MAX` of each part of it.
   *
   * @param from leaves out what was logged before, in milliseconds since 1970, as far as the times are known there
   */
  logs(from: number | undefined, signal: AbortSignal): Promise<LogLine[]>
  /** Starts it where it does not run, and waits for a while until it is healthy. Whether it is, an observation says. */
  start(signal: AbortSignal): Promise<void>
  /** @returns how it was ended, where that was by SIGKILL */
  stop(signal: AbortSignal): Promise<string | undefined>
  /** Where it is more than stopping and starting. */
  restart?(signal: AbortSignal): Promise<void>
}

export const stateText = ({ running }: ServiceState): string => running?.state ?? 'stopped'

/** What is seen of it, in a sentence. */
export function describe(name: string, { running, health, ended }: ServiceState): string {
  if (!running) return [`${name} does not run`, ...(ended ? [ended.text] : [])].join('; ')
  const restarts = running.restarts ? [`restarted ${counted(running.restarts, 'time')} by itself`] : []
  return [`${name} runs as ${running.text}`, ...restarts, ...(health ? [health.text] : [])].join('; ')
}

export const inSeconds = (ms: number): string => `${ms / 1_000} s`
