/** The actions of a new goal: from words by rules, from a manifest, or from an execution. */

import { hashJson } from '@deed/json/canonical-json'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionRequest, TASK_CHARS_MAX, WordsRequest } from '@deed/proto/execution'
import type { PutGoal } from '@deed/proto/goal'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { newExecution } from '../execution/new-execution.ts'
import { onceFor } from '../intake/keep-words.ts'
import { findExecution } from '../store/executions.ts'
import type { GoalRow, GoalStep } from '../store/goals.ts'
import type { SolvedNode } from '../thinking/solve-node.ts'
import { think } from '../thinking/think.ts'
import type { CheckDependencies } from './check-goal.ts'
import { keepableSteps } from './keepable-steps.ts'

/** All of them are inspected in one message. */
const STEPS_MAX = 200

export interface GoalSteps extends Pick<GoalRow, 'task' | 'request' | 'steps'> {}

/** Distinguishes two goals with the same name. */
export const sourceHash = ({ task, manifest, context, execution_id }: PutGoal): string =>
  hashJson({
    ...{ task: task ?? null, context: context ?? null, execution_id: execution_id ?? null },
    ...defined({ manifest }),
  })

/**
 * @param asked the admitted request; undefined: the goal comes from an execution
 * @throws {DeedError} that says why it cannot be kept
 */
export async function stepsToKeep(
  looking: CheckDependencies,
  { name, context: given, execution_id: id }: PutGoal,
  asked: ExecutionRequest | undefined,
  principal: Principal,
  trace: string,
): Promise<GoalSteps> {
  if (asked === undefined || id !== undefined) {
    if (given === undefined && id !== undefined) return stepsOfExecution(looking, name, id, principal)
    throw new DeedError('invalid_request', 'the context is that of the execution; leave it out', { path: '$.context' })
  }
  const { task: words, context, manifest } = asked
  const request = requestFor(name, words, context)
  const wanted = manifest ? { ...request, manifest } : { ...request, task: onceFor(words) }
  const thought = await think(looking, newExecution({ request: wanted, principal, trace }, looking.clock.now()))
  const solutions = thought.type === 'solved' ? thought.nodes.map(({ solution }) => solution) : []
  const nodes = thought.type === 'solved' ? thought.nodes : []
  const question = nodes.find((node) => node.question)?.question
  if (question) {
    throw new DeedError('not_understood', `${question.text} A goal is put in words with one meaning`, {
      path: manifest ? '$.manifest.tasks' : '$.task',
      details: { suggestions: question.options.map(({ reading }) => reading).slice(0, 3) },
    })
  }
  const steps = manifest ? stepsOfGraph(nodes) : solutions.flatMap((solution) => solution?.actions ?? [])
  if (thought.type === 'solved' && (steps.length === 0 || solutions.includes(undefined))) {
    throw new DeedError(
      'not_understood',
      'no rule can do that; run it once, then keep what it did: deed goal put --from',
      { path: manifest ? '$.manifest.tasks' : '$.task' },
    )
  }
  if (steps.length > STEPS_MAX) {
    throw new DeedError('limit_exceeded', `a goal has at most ${STEPS_MAX} actions, not ${steps.length}; put several`, {
      path: '$.manifest.tasks',
    })
  }
  return { task: words, request, steps: keepableSteps(looking.policy, steps, context?.workspace) }
}

/** Actions of a graph keep their names and their order; a task with several actions gets a step for each. */
function stepsOfGraph(nodes: readonly SolvedNode[]): GoalStep[] {
  const namesOf = new Map<string, string[]>()
  return nodes.flatMap(({ node, solution, terms = {} }) => {
    const actions = solution?.actions ?? []
    const nameOf = (name: string): string => (actions.length === 1 ? node.id : `${node.id}.${name}`)
    namesOf.set(
      node.id,
      actions.map(({ name }) => nameOf(name)),
    )
    const before = node.depends_on.flatMap((name) => namesOf.get(name) ?? [])
    return actions.map(({ name, title, action, depends_on }) => ({
      ...{ title, action, terms, name: nameOf(name) },
      after: depends_on.length > 0 ? depends_on.map(nameOf) : before,
    }))
  })
}

async function stepsOfExecution(
  { db, driver, policy }: CheckDependencies,
  name: string,
  id: ExecutionId,
  principal: Principal,
): Promise<GoalSteps> {
  const { execution, tasks } = await driver.read(await findExecution(db, principal, { executionId: id }))
  const path = '$.execution_id'
  if (execution.status !== 'done') {
    throw new DeedError(
      'invalid_request',
      `execution ${id} is ${execution.status}; only a done execution can be kept`,
      {
        path,
      },
    )
  }
  if (!execution.task_verified) {
    const message = `execution ${id} is done, and not proven to be what was asked for; only what is proven can be kept`
    throw new DeedError('invalid_request', message, { path })
  }
  const { task, context } = execution.request
  const done: GoalStep[] = [...tasks.values()]
    .filter(({ task_kind, actual_status }) => task_kind === 'act' && actual_status === 'done')
    .map(({ title, spec }) => ({ title, action: Action.parse(spec) }))
  return {
    task,
    request: requestFor(name, task, context),
    steps: keepableSteps(policy, done, context?.workspace),
  }
}

const requestFor = (name: string, words: string, context: ExecutionRequest['context']): ExecutionRequest =>
  WordsRequest.parse({
    task: `keep ${name}: ${words}`.slice(0, TASK_CHARS_MAX).toWellFormed(),
    mode: 'background',
    ...defined({ context }),
  })
