/** Takes work, has it done, and reports what came of it. */

import type { Bus } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { workAct } from '@deed/proto/action'
import { OWN_SLOTS_SUM } from '@deed/proto/task'
import type { Log } from '@deed/telemetry/logger'
import { count, observe, secondsSince } from '@deed/telemetry/metrics'
import { TASK_ID } from '@deed/telemetry/names'
import type { Span } from '@deed/telemetry/span'
import { loggedTrace, traceparentIn } from '@deed/telemetry/trace-context'
import { actionIdOf } from '@deed/worker/action-id'
import { openLeases, type Worker } from '@deed/worker/leases'
import { reportOutcome } from '@deed/worker/report-outcome'
import { KINDS } from '../kinds/kinds.ts'
import { forgetSigns } from '../processes/signs-of-life.ts'
import { asStored } from '../store/storable.ts'
import { type ActDependencies, act } from './act.ts'
import { type Attempt, openAttempt } from './attempt.ts'
import type { Conclusion } from './conclusion.ts'
import { undo } from './undo.ts'

export interface WorkerDependencies extends ActDependencies {
  readonly bus: Bus
  readonly log: Log
  readonly workerId: string
  /** Tasks that it holds at once. */
  readonly slots: number
}

/** Disposing drains: no more work is taken, what runs is finished and reported, then a last heartbeat is sent. */
export async function startWorker(dependencies: WorkerDependencies): Promise<AsyncDisposable> {
  const { bus, slots } = dependencies
  const worker: Worker = { ...dependencies, service: 'executor', capability: 'act' }
  const leases = await openLeases(worker)
  const consuming = await bus.consumeWork(
    workAct,
    async (work, { span, trace, from }) => {
      span.setAttribute(TASK_ID, work.task_id)
      const open = (leaseMs: number | undefined) => openAttempt(work, actionIdOf(work.task_id), trace, leaseMs)
      using held = leases.hold(work, open)
      if (held) await handle(dependencies, worker, held.lease, { span, to: from })
    },
    { slots: slots + OWN_SLOTS_SUM },
  )
  return {
    async [Symbol.asyncDispose]() {
      await leases.drain()
      await consuming[Symbol.asyncDispose]()
      await leases[Symbol.asyncDispose]()
    },
  }
}

/** The span of the work, and the replica of the orchestrator that handed it out. */
interface Origin {
  readonly span: Span
  readonly to: string | undefined
}

async function handle(
  dependencies: ActDependencies,
  worker: Worker,
  attempt: Attempt,
  { span, to }: Origin,
): Promise<void> {
  const { work, startedAt } = attempt
  const conclusion = work.intent === 'do' ? await act(attempt, dependencies) : await undo(attempt, dependencies)
  if (conclusion === 'stale') return
  if (conclusion.error) span.fail(conclusion.error)
  const { kind } = work.action
  count('deed_actions_total', { kind, intent: work.intent, outcome: conclusion.outcome })
  observe('deed_action_duration_seconds', { kind }, secondsSince(startedAt), traceparentIn(attempt.trace))
  const repeated = await isRepeated(dependencies, attempt, conclusion)
  await Promise.all([record(dependencies, attempt, conclusion), report(worker, attempt, conclusion, repeated, to)])
  worker.log.info(
    {
      execution_id: work.execution_id,
      task_id: work.task_id,
      attempt: work.token,
      ...loggedTrace(attempt.trace),
      kind: work.action.kind,
      intent: work.intent,
      outcome: conclusion.outcome,
      durationMs: performance.now() - startedAt,
    },
    'attempt ended',
  )
}

/** Whether it made an effect that an earlier attempt had made and seen already. Only a later attempt can have. */
async function isRepeated({ ledger }: ActDependencies, { work, actionId }: Attempt, { effect, recorded }: Conclusion) {
  if (work.intent !== 'do' || work.token <= 1 || effect !== 'made' || recorded) return false
  return ledger.wasMade(work.tenant, actionId, work.token)
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
  const isEffectCertain = conclusion.after || conclusion.effect !== 'unknown'
  if (isEffectCertain && KINDS.get(work.action.kind)?.leftBehind) forgetSigns(world.dataFolder, actionId)
  crashPoint('executor.after_outcome')
}

async function report(
  worker: Worker,
  { work, trace, key, startedAt }: Attempt,
  { outcome, effect, error, evidence, result }: Conclusion,
  repeated: boolean,
  to: string | undefined,
): Promise<void> {
  // A program may print anything, and the ledger has it so already.
  const input = asStored({
    task_id: work.task_id,
    execution_id: work.execution_id,
    token: work.token,
    attempt_key: key,
    intent: work.intent,
    outcome,
    effect,
    repeated: repeated || undefined,
    error,
    evidence,
    result,
    duration_ms: performance.now() - startedAt,
  })
  if (await reportOutcome(worker, input, { trace, to })) crashPoint('executor.after_report')
}
