/** The report of an attempt, repeated until the orchestrator has heard it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DeedError } from '@deed/proto/errors'
import { serviceAs } from '@deed/proto/permissions'
import { reportTask } from '@deed/proto/task'
import { loggedTrace } from '@deed/telemetry/trace-context'
import type { z } from 'zod'
import type { Worker } from './leases.ts'

/** Waits before a report is repeated; the last one repeats. */
const REPORT_WAITS_MS = [100, 250, 500, 1_000, 2_000, 5_000]

/**
 * By the time it is answered, either this outcome counts or another attempt's does.
 *
 * @param options.to the instance of the orchestrator that handed it out: it is told first, else any other
 * @param options.withinMs for how long it is repeated, in milliseconds; absent: for ever
 * @returns whether the outcome was recorded
 * @throws {DeedError} the last failure, where nobody has answered within that time
 */
export async function reportOutcome(
  { bus, log, service, workerId }: Pick<Worker, 'bus' | 'log' | 'service' | 'workerId'>,
  report: Omit<z.input<typeof reportTask.input>, 'worker_id'>,
  { trace, to, withinMs = Number.POSITIVE_INFINITY }: { trace: string; to?: string | undefined; withinMs?: number },
): Promise<boolean> {
  const { task_id, execution_id, token } = report
  const about = { execution_id, task_id, attempt: token, ...loggedTrace(trace) }
  const end = performance.now() + withinMs
  for (let attempt = 0; ; attempt++) {
    try {
      const first = attempt === 0 && to !== undefined ? { instance: to, patient: false } : {}
      const options = { trace, principal: serviceAs(service), ...first }
      await bus.call(reportTask, { ...report, worker_id: workerId }, options)
      return true
    } catch (failure) {
      if (!(failure instanceof DeedError)) throw failure
      if (failure.code === 'stale_token') {
        log.info(about, 'a newer attempt has the task')
        return false
      }
      if (!failure.retryable) {
        log.error({ err: failure, ...about }, 'report was refused')
        return false
      }
      log.warn({ err: failure, ...about }, 'report was not answered')
      if (performance.now() >= end) throw failure
    }
    await sleep(REPORT_WAITS_MS[Math.min(attempt, REPORT_WAITS_MS.length - 1)])
  }
}
