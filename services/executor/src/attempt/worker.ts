/**
 * Takes work, has it done, and tells what came of it.
 *
 * It announces its room every two seconds; the answer extends the leases of what runs, and names what must stop.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { type WorkAct, workAct } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { serviceAs } from '@deed/proto/permissions'
import { heartbeatWorker, READING_SLOTS, reportTask } from '@deed/proto/task'
import type { Log } from '@deed/telemetry/logger'
import { actionIdOf } from '@deed/worker/action-id'
import { noticeSilence } from '@deed/worker/notice-silence'
import { KINDS } from '../kinds/kinds.ts'
import { forgetSigns } from '../processes/signs-of-life.ts'
import { asStored } from '../store/storable.ts'
import { type ActDependencies, act, StillRunningError } from './act.ts'
import { type Attempt, openAttempt } from './attempt.ts'
import type { Conclusion } from './conclusion.ts'
import { undo } from './undo.ts'

const HEARTBEAT_MS = 2_000
/**
 * The fraction of a lease after which a heartbeat's answer is no longer awaited: several heartbeats may be in flight.
 */
const ANSWER_PART = 3 / 4
/** Waits before a report is repeated; the last one goes on. */
const REPORT_WAITS_MS = [100, 250, 500, 1_000, 2_000, 5_000]

export interface WorkerDependencies extends ActDependencies {
  readonly bus: Bus
  readonly log: Log
  readonly workerId: string
  /** Tasks that it holds at once. */
  readonly slots: number
}

/** Disposing drains: no more work is taken, what runs is finished and reported, then a last heartbeat says farewell. */
export async function startWorker(dependencies: WorkerDependencies): Promise<AsyncDisposable> {
  const { bus, log, workerId, slots } = dependencies
  const running = new Map<string, Attempt>()
  const silence = noticeSilence(bus)
  let draining = false
  let leaseMs: number | undefined

  const beat = async (): Promise<void> => {
    const sentAt = performance.now()
    const held = [...running.values()].map(({ work: { task_id, token } }) => ({ task_id, token }))
    try {
      const beating = { worker_id: workerId, capability: 'act' as const, slots, running: held, draining }
      const timeoutMs = draining
        ? heartbeatWorker.timeoutMs
        : Math.max(heartbeatWorker.timeoutMs, (leaseMs ?? 0) * ANSWER_PART)
      const { lease_ms, stop } = await bus.call(heartbeatWorker, beating, {
        timeoutMs,
        principal: serviceAs('executor'),
      })
      silence.answered()
      leaseMs = lease_ms
      const stopped = new Set(stop.map(({ task_id, token }) => `${task_id}/${token}`))
      for (const { task_id, token } of held) {
        const attempt = running.get(task_id)
        if (attempt?.work.token !== token) continue
        if (stopped.has(`${task_id}/${token}`)) attempt.stop(new DeedError('cancelled', 'the task was cancelled'))
        else attempt.extend(sentAt + lease_ms)
      }
    } catch (error) {
      log.warn({ err: error }, 'heartbeat was not answered')
      silence.unanswered()
    }
    for (const attempt of running.values()) attempt.expire()
  }

  const handle = async (work: WorkAct, trace: string): Promise<void> => {
    const current = running.get(work.task_id)
    if (current) {
      // A redelivery of a task that runs here: the outcome of the first delivery answers both.
      if (current.work.token >= work.token) return
      current.stop(new DeedError('lease_lost', 'the task was handed out again'))
      throw new StillRunningError('an older attempt at the task is being ended here')
    }
    const attempt = openAttempt(work, actionIdOf(work.task_id), leaseMs)
    running.set(work.task_id, attempt)
    try {
      const conclusion = work.intent === 'do' ? await act(attempt, dependencies) : await undo(attempt, dependencies)
      if (conclusion === 'stale') return
      await Promise.all([record(dependencies, attempt, conclusion), report(dependencies, attempt, conclusion, trace)])
      log.info(
        {
          execution_id: work.execution_id,
          task_id: work.task_id,
          kind: work.action.kind,
          intent: work.intent,
          outcome: conclusion.outcome,
          durationMs: performance.now() - attempt.startedAt,
        },
        'attempt ended',
      )
    } finally {
      running.delete(work.task_id)
    }
  }

  await beat()
  const timer = setInterval(() => void beat(), HEARTBEAT_MS)
  const consuming = await bus.consumeWork(workAct, (work, { trace }) => handle(work, trace), {
    slots: slots + READING_SLOTS,
  })
  return {
    async [Symbol.asyncDispose]() {
      draining = true
      await beat()
      await consuming[Symbol.asyncDispose]()
      clearInterval(timer)
      await beat()
      silence[Symbol.dispose]()
    },
  }
}

async function record(
  { ledger, world }: ActDependencies,
  { work, actionId }: Attempt,
  conclusion: Conclusion,
): Promise<void> {
  if (conclusion.recorded) return
  const { tenant, token, intent } = work
  await ledger.writeOutcome({ ...conclusion, tenant, actionId, token, intent })
  // Nobody has to find out any more what it left.
  const settled = conclusion.after || conclusion.effect !== 'unknown'
  if (settled && KINDS.get(work.action.kind)?.leftBehind) forgetSigns(world.dataFolder, actionId)
  crashPoint('executor.after_outcome')
}

/** Repeats until it is answered: by then either the outcome counts, or another attempt's does. */
async function report(
  { bus, workerId, log }: WorkerDependencies,
  { work, key, startedAt }: Attempt,
  { outcome, effect, error, evidence, result }: Conclusion,
  trace: string,
): Promise<void> {
  // A program may print anything, and the ledger has it so already.
  const input = asStored({
    task_id: work.task_id,
    execution_id: work.execution_id,
    token: work.token,
    attempt_key: key,
    worker_id: workerId,
    intent: work.intent,
    outcome,
    effect,
    error,
    evidence,
    result,
    duration_ms: performance.now() - startedAt,
  })
  for (let attempt = 0; ; attempt++) {
    try {
      await bus.call(reportTask, input, { trace, principal: serviceAs('executor') })
      crashPoint('executor.after_report')
      return
    } catch (failure) {
      if (!(failure instanceof DeedError)) throw failure
      if (failure.code === 'stale_token') return
      if (!failure.retryable) {
        log.error({ err: failure, task_id: work.task_id }, 'report was refused')
        return
      }
      log.warn({ err: failure, task_id: work.task_id }, 'report was not answered')
    }
    await sleep(REPORT_WAITS_MS[Math.min(attempt, REPORT_WAITS_MS.length - 1)])
  }
}
