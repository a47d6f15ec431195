/**
 * Turns solved nodes into tasks: their actions are inspected, sealed, and put behind the approvals that policy
 * requires.
 */
import { randomUUIDv7 } from 'node:crypto'
import { validate } from '@deed/json/validate'
import { Action, type WordsRead } from '@deed/proto/action'
import { AgentTask, type PlannedAction } from '@deed/proto/agent'
import { DECISION_TASK, DecisionTaskInput } from '@deed/proto/decision-task'
import { DeedError } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import { factsOf } from '@deed/proto/kinds'
import type { TaskTerms } from '@deed/proto/manifest'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { HUMAN_TASK, HumanTaskInput } from '@deed/proto/person'
import { GoalNode } from '@deed/proto/task'
import type { z } from 'zod'
import { priorityOf } from '../dispatch/capacity.ts'
import { newTask } from '../execution/new-task.ts'
import type { ExecutionRow, PlanPart, TaskRow, Work } from '../execution/snapshot.ts'
import { groundOf, touchedBy, type Workspaces } from '../policy/touched-by.ts'
import type { Resealed } from '../reconcile/input.ts'
import type { SolvedNode } from '../thinking/solve-node.ts'
import { titled } from '../thinking/task-node.ts'
import { comesAfter } from './comes-after.ts'
import { freeName } from './free-name.ts'
import { type Sealing, sealPlan, type Unsealed } from './seal-plan.ts'
import { unsealedOf } from './unsealed.ts'
import { type Candidate, inspectTargets, type Weighing, weighActions } from './weigh-actions.ts'

/** What a task that a model solves holds: the question, and the part of the plan that its answer becomes. */
export const ModelTaskSpec = AgentTask.extend({ node: GoalNode.pick({ id: true, title: true }) })
export type ModelTaskSpec = z.output<typeof ModelTaskSpec>

/** The inputs of kinds that no executor does. */
const HELD: Readonly<Record<string, z.ZodType>> = { [HUMAN_TASK]: HumanTaskInput, [DECISION_TASK]: DecisionTaskInput }

/** What is kept of the words of a node, to plan it again. */
const WORDS_CHARS_MAX = 8_192

export interface Planning extends Weighing, Sealing {}

/** Where new tasks are inserted: after existing ones, with unused names. */
export interface Place {
  position: number
  names: ReadonlySet<string>
  /** The dependencies of every new task without a predecessor. */
  after: readonly TaskId[]
}

export const EMPTY: Place = { position: 0, names: new Set(), after: [] }

/**
 * The tasks of a plan, with the approval that each action requires.
 *
 * @param inspectAll inspect the targets of actions that need no inspection, too
 * @throws {DeedError} if an action is impossible: an unknown target, a path outside of the workspace
 */
export async function weighWork(
  planning: Planning,
  execution: ExecutionRow,
  nodes: readonly SolvedNode[],
  place: Place = EMPTY,
  inspectAllTargets = false,
): Promise<Unsealed> {
  const tasks: TaskRow[] = []
  const parts: PlanPart[] = []
  const candidates: Candidate[] = []
  const tasksOfNode = new Map<string, TaskId[]>()
  const names = new Set(place.names)
  const alone = nodes.length === 1
  for (const { node, solution, ask, terms, reading, unchecked } of nodes) {
    const before = node.depends_on.flatMap((name) => tasksOfNode.get(name) ?? [])
    const after = before.length > 0 ? before : [...place.after]
    const made: TaskRow[] = []
    // A task of a manifest keeps its id.
    const nameOf = (id: string, name: string): string => {
      if (terms && solution?.actions.length === 1) return id
      return alone && !terms ? name : `${id}.${name}`
    }
    const base = {
      priority: priorityOf(terms?.priority ?? execution.request.priority),
      on_failure: terms?.on_failure ?? null,
      now: planning.now(),
    }
    if (solution) {
      const idOf = new Map(solution.actions.map(({ name }) => [name, randomUUIDv7() as TaskId]))
      for (const planned of solution.actions) {
        const action = actionOf(planned, execution, reading)
        const dependencies = planned.depends_on.map((name) => idOf.get(name)).filter((id) => id !== undefined)
        const task = newTask(execution, {
          ...base,
          task_id: idOf.get(planned.name) as TaskId,
          position: place.position + tasks.length + made.length,
          name: freeName(names, nameOf(node.id, planned.name)),
          title: planned.title,
          task_kind: 'act',
          capability: factsOf(action.kind)?.held_by ? 'human' : 'act',
          dependencies: dependencies.length > 0 ? dependencies : after,
          concurrency_key: ownKey(terms),
          resource_key: resourceKey(planning.workspaces, action),
        })
        made.push(task)
        candidates.push({ task, action, summary: planned.title, why: '', effect: undefined })
      }
    } else if (ask) {
      made.push(
        newTask(execution, {
          ...base,
          position: place.position + tasks.length,
          name: freeName(names, nameOf(node.id, 'solve')),
          title: titled(`find out how to: ${node.title}`),
          task_kind: 'solve',
          capability: 'solve',
          dependencies: after,
          spec: { ...ask, node: { id: node.id, title: node.title } } satisfies ModelTaskSpec as JsonObject,
        }),
      )
    }
    const ids = made.map(({ task_id }) => task_id)
    tasksOfNode.set(node.id, ids)
    tasks.push(...made)
    const answer = solution?.answer ?? { kind: 'actions' }
    const words = node.title.endsWith('...') ? node.description.slice(0, WORDS_CHARS_MAX).toWellFormed() : undefined
    parts.push({ title: node.title, answer, tasks: ids, ...defined({ words, reading: reading?.text, unchecked }) })
  }
  orderByTouch(planning, candidates)
  const others = tasks.filter(({ task_kind }) => task_kind !== 'act')
  await weighActions(planning, execution, candidates, { others, inspectAllTargets })
  const position = place.position + tasks.length
  return { execution, tasks, candidates, parts, names, position, estimate: estimateOf(nodes) }
}

/** @throws {DeedError} as `weighWork` */
export async function planWork(
  planning: Planning,
  execution: ExecutionRow,
  nodes: readonly SolvedNode[],
  place: Place = EMPTY,
): Promise<Work> {
  return sealPlan(planning, await weighWork(planning, execution, nodes, place))
}

/** The approval for one task whose target was not as expected. */
export async function replanTask(
  planning: Planning,
  execution: ExecutionRow,
  task: TaskRow,
  place: Place,
): Promise<{ task: Resealed; work: Work }> {
  const copy = { ...task, approval_id: null, dependencies: [] }
  const candidate: Candidate = {
    task: copy,
    action: { ...unsealedOf(Action.parse(task.spec)), observe_only: false },
    summary: task.title,
    why: '',
    effect: undefined,
  }
  await inspectTargets(planning, execution, [candidate])
  const names = new Set(place.names)
  const earlier = task.approval_id !== null && task.spec !== null ? { earlier: task.spec } : {}
  const unsealed = { execution, tasks: [], candidates: [candidate], parts: [], names, position: place.position }
  const work = await sealPlan(planning, { ...unsealed, ...earlier })
  const { spec, action_hash, level, approval_id } = copy
  return { task: { spec, action_hash, level, approval_id }, work }
}

function actionOf({ action }: PlannedAction, execution: ExecutionRow, reading: WordsRead | undefined): Action {
  const { request } = execution
  const workspace = action.workspace ?? request.context?.workspace
  // Policy decides what must be found beforehand, not the author of the solution.
  const given = unsealedOf(action)
  const rest = { ...given, ...defined({ reading }) }
  // No executor sees it, so nothing else validates its input.
  const held = HELD[action.kind]
  if (held) {
    // A signature proves it: no observation is made, so a verify would be ignored.
    if (action.verify !== undefined)
      throw new DeedError(
        'invalid_request',
        `${action.kind} takes no verify; put the observation into a wait.until after it`,
        { path: '$.verify' },
      )
    const input = validate(held, action.input)
    if (action.kind === DECISION_TASK) checkSpeaker(execution, DecisionTaskInput.parse(input))
    return Action.parse({ ...rest, input })
  }
  return Action.parse({ ...rest, ...defined({ workspace }) })
}

/**
 * A role speaks for itself alone, unless a workflow lets it: the operator wrote that file. A person speaks for roles, since people
 * decide above them; the plan has level 2, so that another person sees each proposal with its role and approves it.
 */
function checkSpeaker({ request, user_name: user }: ExecutionRow, { by }: DecisionTaskInput): void {
  const isRole = ORGANIZATION_ROLES.some((role) => role === user)
  if (isRole && user !== by && request.workflow === undefined)
    throw new DeedError('forbidden', `${user} cannot propose as ${by}; propose as ${user}, or run a workflow`, {
      path: '$.input.by',
    })
}

/**
 * What the action needs for itself: its service, or the files that programs share, since what one has changed is what is
 * different there when it has ended.
 */
function resourceKey(workspaces: Workspaces, action: Action): string | null {
  const { kind, input } = action
  const exclusive = factsOf(kind)?.exclusive
  if (exclusive === 'workspace') return `workspace:${groundOf(workspaces, action)}`
  return exclusive === 'target' && typeof input.target === 'string' ? `service:${input.target}` : null
}

const ownKey = (terms: TaskTerms | undefined): string | null =>
  terms?.concurrency_key === undefined ? null : `manifest:${terms.concurrency_key}`

/** Two actions of a plan that change the same thing run in plan order, even without a dependency. */
function orderByTouch({ policy, workspaces }: Planning, candidates: readonly Candidate[]): void {
  if (candidates.length < 2) return
  const tasks = new Map(candidates.map(({ task }) => [task.task_id, task]))
  const inOrder = isInOrder(candidates)
  const last = new Map<string, TaskId>()
  for (const { task, action } of candidates) {
    const touched = touchedBy(policy, workspaces, action)
    if (touched === 'anything') continue
    for (const name of touched) {
      const earlier = last.get(name)
      last.set(name, task.task_id)
      const before = earlier === undefined ? undefined : tasks.get(earlier)
      if (!before || task.dependencies.includes(before.task_id)) continue
      // In plan order, nothing comes after its own successor.
      if (!inOrder && comesAfter(before, task.task_id, tasks)) continue
      task.dependencies = [...task.dependencies, before.task_id]
    }
  }
}

/** Whether each action comes after its dependencies. */
function isInOrder(candidates: readonly Candidate[]): boolean {
  const ahead = new Set(candidates.map(({ task }) => task.task_id))
  return candidates.every(({ task }) => {
    ahead.delete(task.task_id)
    return !task.dependencies.some((id) => ahead.has(id))
  })
}

/** Of the whole plan: in sequence, at worst. */
function estimateOf(nodes: readonly SolvedNode[]) {
  const time = nodes.reduce((sum, { node }) => sum + node.estimated_ms, 0)
  const cost = nodes.reduce((sum, { node }) => sum + node.estimated_cost_usd, 0)
  return time === 0 && cost === 0 ? null : { time_ms: time, cost_usd: cost }
}
