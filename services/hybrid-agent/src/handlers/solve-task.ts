/** work.solve: a model is asked, and the outcome reported under the lease's token until it is heard. */

import { counted } from '@deed/config/counted'
import type { WorkHandler } from '@deed/mesh/work-queue'
import { crashPoint } from '@deed/process/crash-point'
import type { workSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { TaskReport } from '@deed/proto/task'
import { TASK_ID } from '@deed/telemetry/names'
import { loggedTrace } from '@deed/telemetry/trace-context'
import { openLease } from '@deed/worker/lease'
import type { Leases, Worker } from '@deed/worker/leases'
import { reportOutcome } from '@deed/worker/report-outcome'
import { type SolveDependencies, type Solved, solveTask as solve, type Unsolved } from '../solving/solve-task.ts'

interface Dependencies extends SolveDependencies {
  readonly worker: Worker
  readonly leases: Leases
}

/** After this time without an acknowledgement the task goes back to the queue; the stored answer is kept. */
const REPORT_MS_MAX = 30_000

export function solveTask({ worker, leases, ...dependencies }: Dependencies): WorkHandler<typeof workSolve> {
  return async (work, { span, trace, from }) => {
    const { task_id, execution_id, token } = work
    span.setAttribute(TASK_ID, task_id)
    const started = performance.now()
    let outcome: Solved | Unsolved
    try {
      using held = leases.hold(work, openLease)
      if (!held) return
      const log = dependencies.log.child(loggedTrace(trace))
      outcome = await solve({ ...dependencies, log }, work, trace, held.lease.signal)
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
      // The current lease holder reports; a worker that shuts down leaves the message to the next one.
      if (error.code === 'lease_lost') return
      if (error.code !== 'cancelled') throw error
      outcome = { error, spent: { tokens: 0, microusd: 0, costUnknown: false } }
    }
    if ('error' in outcome) span.fail(outcome.error)
    crashPoint('hybrid_agent.after_answer')
    const report = {
      task_id,
      execution_id,
      token,
      intent: 'solve' as const,
      effect: 'none' as const,
      tokens_used: outcome.spent.tokens,
      cost_microusd: outcome.spent.microusd,
      ...(outcome.spent.costUnknown ? { cost_unknown: true } : {}),
      duration_ms: performance.now() - started,
      ...('solution' in outcome ? solved(outcome) : unsolved(outcome)),
    }
    await reportOutcome(worker, report, { trace, to: from, withinMs: REPORT_MS_MAX })
  }
}

type Outcome = Pick<TaskReport, 'outcome' | 'error' | 'evidence' | 'solution' | 'method' | 'model'>

function solved({ solution, model, context }: Solved): Outcome {
  const untrusted = solution.actions[0]?.action.untrusted_sources
  const actions = counted(solution.actions.length, 'action')
  return {
    outcome: 'done',
    method: 'llm_assisted',
    model,
    solution,
    evidence: {
      kind: 'validated',
      outcome: 'verified',
      claimed: `${model} proposed ${actions}`,
      observed: `${actions}: kinds, inputs, order, targets and paths are allowed`,
      observed_at: new Date().toISOString(),
      ...(untrusted === undefined && !context ? {} : { facts: factsOf(untrusted, context) }),
    },
  }
}

/** What the model has read, by names and sizes: the texts themselves are where they were. */
const factsOf = (untrusted: string[] | undefined, context: Solved['context']) => ({
  ...(untrusted === undefined ? {} : { untrusted_sources: untrusted }),
  ...(context && context.items.length > 0
    ? { context: context.items.map(({ source, of, tokens, cut = false }) => ({ source, of, tokens, cut })) }
    : {}),
  ...(context && context.leftOut > 0 ? { context_left_out: context.leftOut } : {}),
  ...(context && context.missing.length > 0 ? { context_missing: [...context.missing] } : {}),
})

function unsolved({ error }: Unsolved): Outcome {
  return { outcome: 'failed', method: 'fallback', error: error.body }
}
