import { randomUUIDv7 } from 'node:crypto'
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { ExecutionRequest } from '@deed/proto/execution'
import type { putGoal as contract } from '@deed/proto/goal'
import { type CheckDependencies, probe } from '../goals/check-goal.ts'
import { goalView } from '../goals/goal-view.ts'
import { executionForGoal, startForGoal } from '../goals/start-for-goal.ts'
import { sourceHash, stepsToKeep } from '../goals/steps-to-keep.ts'
import { admitRequest, refuseSecrets } from '../intake/validate-request.ts'
import { refuseAgainstGoals, refuseAgainstSchedules } from '../planning/contradictions.ts'
import { outcomesOf } from '../planning/outcomes.ts'
import { adjustGoal, readGoals, storeGoal } from '../store/goals.ts'

interface Dependencies extends CheckDependencies {
  config: ExecutionConfig
}

export function putGoal(dependencies: Dependencies): Handler<typeof contract> {
  const { config, db, clock, log } = dependencies
  return async (input, { principal, trace }) => {
    const {
      name,
      task,
      manifest,
      execution_id: from,
      context,
      interval_ms: intervalMs,
      remedies_max: remediesMax,
    } = input
    if ([task, manifest, from].filter((one) => one !== undefined).length !== 1) {
      const message = 'give one of task, manifest and execution_id: what to keep'
      throw new DeedError('invalid_request', message, { path: '$.task' })
    }
    refuseSecrets(config, input)
    const asked =
      from === undefined
        ? admitRequest(config, ExecutionRequest.parse({ task, manifest, context }), { permanent: true })
        : undefined
    const hash = sourceHash(input)
    const [present] = await readGoals(db, principal, name)
    if (present?.source_hash === hash && present.status !== 'blocked') {
      const same = await adjustGoal(db, present.goal_id, { intervalMs, remediesMax })
      if (same) return goalView(same, clock.now())
    }
    const kept = await stepsToKeep(dependencies, input, asked, principal, trace)
    const wanted = { tenant: principal.tenant, user_name: principal.user, name, goal_id: randomUUIDv7(), ...kept }
    // An unknown target or a path outside is refused now rather than later.
    const { refused } = await probe(dependencies, wanted)
    if (refused) throw refused
    const { workspaces } = dependencies.planning
    const others = (await readGoals(db, principal, null)).filter((goal) => goal.name !== name)
    const outcomes = outcomesOf(
      workspaces,
      kept.steps.map(({ action }) => Action.parse(action)),
    )
    refuseAgainstGoals(workspaces, others, `the goal ${name}`, outcomes)
    await refuseAgainstSchedules(dependencies, principal, { name, steps: kept.steps })
    const execution = executionForGoal(wanted, clock.now())
    const goal = await storeGoal(db, {
      ...wanted,
      source_hash: hash,
      interval_ms: intervalMs,
      remedies_max: remediesMax,
      execution_id: execution.execution_id,
    })
    await startForGoal(dependencies, goal, execution)
    log.info({ goal: name, execution_id: execution.execution_id }, 'goal put')
    return goalView(goal, clock.now())
  }
}
