/** Periodic jobs: one run at a time, a failed run is logged and the next one tries again. */
import type { Log } from '@deed/telemetry/logger'

/** The part of the time between two runs by which it varies: replicas that started together drift apart. */
const JITTER = 0.1

export interface Periodic extends AsyncDisposable {
  /** Runs now rather than at its time; no-op during a run. */
  hurry(): void
  /** As `hurry`; during a run, once more after it: what has happened meanwhile is seen. */
  again(): void
}

interface Options {
  /** Logged with the error of a run that failed. */
  failed: string
  log: Log
  /** From now to the first run, in milliseconds; by default as long as between two runs. */
  firstMs?: number
}

/**
 * @param everyMs from the end of a run to the beginning of the next one, in milliseconds
 * @returns disposing waits for the run that is under way; no process lives on for the sake of the next one
 */
export function every(everyMs: number, run: () => Promise<unknown>, { failed, log, firstMs }: Options): Periodic {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  let repeat = false

  const begin = (): void => {
    clearTimeout(timer)
    timer = undefined
    repeat = false
    running = run()
      .catch((error: unknown) => log.warn({ err: error }, failed))
      .then(() => {
        if (stopped) return
        if (repeat) begin()
        else wait(everyMs)
      })
  }
  const wait = (ms: number): void => {
    timer = setTimeout(begin, ms * (1 - JITTER + 2 * JITTER * Math.random())).unref()
  }

  if (firstMs === 0) begin()
  else wait(firstMs ?? everyMs)
  return {
    again() {
      if (timer === undefined) repeat = true
      else if (!stopped) begin()
    },
    hurry() {
      if (timer !== undefined && !stopped) begin()
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
