/** What is to be kept: the actions that a rule finds for words, or those that an execution has done. */
import { hashJson } from '@deed/mesh/canonical-json'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionRequest, TASK_CHARS_MAX, WordsRequest } from '@deed/proto/execution'
import type { PutGoal } from '@deed/proto/goal'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import { newExecution } from '../intake/new-execution.ts'
import { think } from '../planning/think.ts'
import { findExecution } from '../store/executions.ts'
import type { GoalRow, GoalStep } from '../store/goals.ts'
import { onceFor } from './keep-words.ts'
import type { Looking } from './look-at-goal.ts'
import { standingSteps } from './standing-actions.ts'

export interface Kept extends Pick<GoalRow, 'task' | 'request' | 'steps'> {}

/** Tells two goals of one name apart. */
export const sourceHash = ({ task, context, execution_id }: PutGoal): string =>
  hashJson({ task: task ?? null, context: context ?? null, execution_id: execution_id ?? null })

/** @throws {DeedError} that says why it cannot be kept */
export async function stepsToKeep(
  looking: Looking,
  { name, task, context, execution_id: id }: PutGoal,
  principal: Principal,
  trace: string,
): Promise<Kept> {
  if ((task === undefined) === (id === undefined)) {
    throw new DeedError('invalid_request', 'say what to keep: either task or execution_id', { path: '$.task' })
  }
  if (id !== undefined) {
    if (context === undefined) return stepsOfExecution(looking, name, id, principal)
    throw new DeedError('invalid_request', 'the context is that of the execution; leave it out', { path: '$.context' })
  }
  const words = task ?? ''
  const request = requestFor(name, words, context)
  const thought = await think(
    looking,
    newExecution({ request: { ...request, task: onceFor(words) }, principal, trace }, looking.clock.now()),
  )
  const solutions = thought.type === 'solved' ? thought.nodes.map(({ solution }) => solution) : []
  const steps = solutions.flatMap((solution) => solution?.actions ?? [])
  if (thought.type === 'solved' && (steps.length === 0 || solutions.includes(undefined))) {
    throw new DeedError(
      'no_solution',
      'no rule knows how to bring that about; have it done once, then keep what that did: deed goal put --from',
      { path: '$.task' },
    )
  }
  return { task: words, request, steps: standingSteps(looking.policy, steps, context?.workspace) }
}

async function stepsOfExecution(
  { db, driver, policy }: Looking,
  name: string,
  id: ExecutionId,
  principal: Principal,
): Promise<Kept> {
  const { execution, tasks } = await driver.read(await findExecution(db, principal, { executionId: id }))
  const path = '$.execution_id'
  if (execution.status !== 'done') {
    throw new DeedError('invalid_request', `execution ${id} is ${execution.status}; only what is done can be kept`, {
      path,
    })
  }
  const { task, context } = execution.request
  const done: GoalStep[] = [...tasks.values()]
    .filter(({ task_kind, actual_status }) => task_kind === 'act' && actual_status === 'done')
    .map(({ title, spec }) => ({ title, action: Action.parse(spec) }))
  return {
    task,
    request: requestFor(name, task, context),
    steps: standingSteps(policy, done, context?.workspace),
  }
}

const requestFor = (name: string, words: string, context: ExecutionRequest['context']): ExecutionRequest =>
  WordsRequest.parse({
    task: `keep ${name}: ${words}`.slice(0, TASK_CHARS_MAX).toWellFormed(),
    mode: 'background',
    ...(context === undefined ? {} : { context }),
  })
