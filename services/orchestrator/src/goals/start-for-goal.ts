/** Starts an execution for a goal: an ordinary one, whose plan is the goal's actions. */

import type { PlannedAction } from '@deed/proto/agent'
import type { GoalNode } from '@deed/proto/task'
import { startSpan } from '@deed/telemetry/span'
import { admissionOf, emptySnapshot, newExecution } from '../execution/new-execution.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import type { Accepting } from '../intake/accept-execution.ts'
import { planExecution, prepare } from '../planning/plan-execution.ts'
import { type GoalRow, type GoalStep, goalOfExecution } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'
import type { SolvedNode } from '../thinking/solve-node.ts'
import { taskNode } from '../thinking/task-node.ts'
import type { Thought } from '../thinking/thought.ts'
import { preApprove } from './goal-approval.ts'

/** The prefix of the keys of goals' executions: only for those a goal is looked up. */
const KEY = 'goal:'

type Executing = Pick<GoalRow, 'tenant' | 'user_name' | 'name' | 'goal_id' | 'request'>

/** Not stored yet: its id is written into the goal first, so that it is found after a crash. */
export function executionForGoal({ tenant, user_name, name, goal_id, request }: Executing, now: number): ExecutionRow {
  const span = startSpan('restore goal', { attributes: { 'deed.goal.name': name } })
  const principal = { tenant, user: user_name }
  const execution = newExecution({ request, principal, trace: span.trace, root: span.open() }, now)
  // It ends with the execution.
  span.leaveOpen()
  const key = `${KEY}${goal_id}:${execution.execution_id}`
  return { ...execution, idempotency_key: key, request: { ...request, idempotency_key: key } }
}

/** Resolves when it is planned, or planning has failed. */
export async function startForGoal(accepting: Accepting, goal: GoalRow, execution: ExecutionRow): Promise<void> {
  const { admit, driver } = accepting
  const principal = { tenant: goal.tenant, user: goal.user_name }
  await admit(
    admissionOf(execution, { principal, waiter: undefined, cause: { goal: goal.name, goal_id: goal.goal_id } }),
  )
  driver.know(emptySnapshot(execution))
  await planExecution(accepting, execution, prepare(accepting, execution, Promise.resolve(thoughtOf(accepting, goal))))
}

/** For an execution whose planner died: the goal's actions, or undefined if it belongs to no goal. */
export async function thoughtForGoal(
  resyncing: Pick<Accepting, 'clock'> & { db: Database },
  execution: ExecutionRow,
): Promise<{ thinking: Promise<Thought> } | undefined> {
  if (!execution.idempotency_key?.startsWith(KEY)) return undefined
  const goal = await goalOfExecution(resyncing.db, execution.execution_id)
  return goal && { thinking: Promise.resolve(thoughtOf(resyncing, goal)) }
}

function thoughtOf({ clock }: Pick<Accepting, 'clock'>, goal: GoalRow): Thought {
  const { name, task, status, steps } = goal
  const isGraph = steps.some((step) => step.name !== undefined)
  return {
    type: 'solved',
    nodes: isGraph
      ? steps.map(nodeOfStep)
      : [inOrder(taskNode({ id: 'goal', title: `keep ${name}`, description: task }), steps)],
    method: 'autonomous',
    estimatedMs: 0,
    degraded: [],
    ...(status === 'establishing' ? { permanent: true } : { agree: (work) => preApprove(goal, work, clock.now()) }),
  }
}

/** Chains the steps. */
function inOrder(node: GoalNode, steps: readonly GoalStep[]): SolvedNode {
  const nameOf = (index: number): string => `step-${index + 1}`
  return solved(
    node,
    steps.map(({ title, action }, index) => ({
      name: nameOf(index),
      title,
      depends_on: index === 0 ? [] : [nameOf(index - 1)],
      action,
    })),
  )
}

const nodeOfStep = ({ title, action, name = '', after = [], terms = {} }: GoalStep): SolvedNode => ({
  ...solved(taskNode({ id: name, title, depends_on: after }), [{ name, title, depends_on: [], action }]),
  terms,
})

const solved = (node: GoalNode, actions: PlannedAction[]): SolvedNode => ({
  node,
  solution: { actions, answer: { kind: 'actions' }, confidence: 1 },
})
