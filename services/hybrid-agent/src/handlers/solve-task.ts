/** work.solve: asks a model and reports the outcome under the lease's token until the report is acknowledged. */
import { counted } from '@deed/config/counted'
import type { Bus } from '@deed/mesh/bus'
import type { WorkHandler } from '@deed/mesh/work-queue'
import { crashPoint } from '@deed/process/crash-point'
import type { workSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import { serviceAs } from '@deed/proto/permissions'
import { reportTask, type TaskReport } from '@deed/proto/task'
import type { Leases } from '../leases.ts'
import { type SolveDependencies, type Solved, solveTask as solve, type Unsolved } from '../solving/solve-task.ts'

interface Dependencies extends SolveDependencies {
  readonly bus: Bus
  readonly leases: Leases
  readonly workerId: string
}

/** After this time without an acknowledgement the task goes back to the queue; the stored answer is kept. */
const REPORT_MS_MAX = 30_000

export function solveTask({ bus, leases, workerId, ...dependencies }: Dependencies): WorkHandler<typeof workSolve> {
  const { log } = dependencies
  return async (work, { trace }) => {
    const { task_id, execution_id, token } = work
    const started = performance.now()
    let outcome: Solved | Unsolved
    try {
      outcome = await leases.hold(work, (signal) => solve(dependencies, work, signal))
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
      // The current lease holder reports; a worker that shuts down leaves the message to the next one.
      if (error.code === 'lease_lost') return
      if (error.code !== 'cancelled') throw error
      outcome = { error, spent: { tokens: 0, microusd: 0, costUnknown: false } }
    }
    crashPoint('hybrid_agent.after_answer')
    const report = {
      task_id,
      execution_id,
      token,
      worker_id: workerId,
      intent: 'solve' as const,
      effect: 'none' as const,
      tokens_used: outcome.spent.tokens,
      cost_microusd: outcome.spent.microusd,
      ...(outcome.spent.costUnknown ? { cost_unknown: true } : {}),
      duration_ms: performance.now() - started,
      ...('solution' in outcome ? solved(outcome) : unsolved(outcome)),
    }
    try {
      const principal = serviceAs('hybrid-agent')
      await bus.call(reportTask, report, { principal, trace, timeoutMs: REPORT_MS_MAX, repeat: true })
    } catch (error) {
      if (!(error instanceof DeedError) || error.code !== 'stale_token') throw error
      log.info({ execution_id, task_id }, 'a newer attempt has the task')
    }
  }
}

type Outcome = Pick<TaskReport, 'outcome' | 'error' | 'evidence' | 'solution' | 'method' | 'model'>

function solved({ solution, model }: Solved): Outcome {
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
      ...(untrusted === undefined ? {} : { facts: { untrusted_sources: untrusted } }),
    },
  }
}

function unsolved({ error }: Unsolved): Outcome {
  return { outcome: 'failed', method: 'fallback', error: error.body }
}
