/**
 * From solved nodes to tasks: actions are looked at, sealed, and put behind the agreement that policy
 * wants for them.
 */
import { randomUUIDv7 } from 'node:crypto'
import type { Bus } from '@deed/mesh/bus'
import { hashJson } from '@deed/mesh/canonical-json'
import { Action, type Inspection, inspectAction } from '@deed/proto/action'
import type { PlannedAction } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { priorityOf } from './drive.ts'
import { effectOf, type Level, levelOf, type Policy } from './policy.ts'
import { isoTime } from './reconcile/draft.ts'
import type { Work } from './reconcile/input.ts'
import { newTask } from './reconcile/new-task.ts'
import type { ApprovalRow, CoveredAction, ExecutionRow, PlanPart, TaskRow } from './snapshot.ts'
import type { SolvedNode } from './solve-node.ts'

export interface Planning {
  bus: Bus
  policy: Policy
  now(): number
}

/** Where new tasks are put: behind what is there, and under names that are free. */
export interface Place {
  position: number
  names: ReadonlySet<string>
  /** What every new task without a predecessor waits for. */
  after: readonly TaskId[]
}

export const EMPTY: Place = { position: 0, names: new Set(), after: [] }

interface Candidate {
  task: TaskRow
  action: Action
  summary: string
  why: string
}

/**
 * @param lookAtAll look at the targets of actions, too, that could go ahead without
 * @throws {DeedError} where an action cannot be: an unknown target, a path outside of the workspace
 */
export async function planWork(
  planning: Planning,
  execution: ExecutionRow,
  nodes: readonly SolvedNode[],
  place: Place = EMPTY,
  lookAtAll = false,
): Promise<Work> {
  const tasks: TaskRow[] = []
  const parts: PlanPart[] = []
  const candidates: Candidate[] = []
  const tasksOfNode = new Map<string, TaskId[]>()
  const names = new Set(place.names)
  const alone = nodes.length === 1
  for (const { node, solution, ask } of nodes) {
    const before = node.depends_on.flatMap((name) => tasksOfNode.get(name) ?? [])
    const after = before.length > 0 ? before : [...place.after]
    const made: TaskRow[] = []
    const base = { priority: priorityOf(execution), now: planning.now() }
    if (solution) {
      const idOf = new Map(solution.actions.map(({ name }) => [name, randomUUIDv7() as TaskId]))
      for (const planned of solution.actions) {
        const action = actionOf(planned, execution)
        const dependencies = planned.depends_on.map((name) => idOf.get(name)).filter((id) => id !== undefined)
        const task = newTask(execution, {
          ...base,
          task_id: idOf.get(planned.name) as TaskId,
          position: place.position + tasks.length + made.length,
          name: freeName(names, alone ? planned.name : `${node.id}.${planned.name}`),
          title: planned.title,
          task_kind: 'act',
          capability: 'act',
          dependencies: dependencies.length > 0 ? dependencies : after,
          concurrency_key: concurrencyKey(action),
        })
        made.push(task)
        candidates.push({ task, action, summary: planned.title, why: '' })
      }
    } else if (ask) {
      made.push(
        newTask(execution, {
          ...base,
          position: place.position + tasks.length,
          name: freeName(names, alone ? 'solve' : `${node.id}.solve`),
          title: `find out how to: ${node.title}`.slice(0, 512).toWellFormed(),
          task_kind: 'solve',
          capability: 'solve',
          dependencies: after,
          spec: ask as JsonObject,
        }),
      )
    }
    const ids = made.map(({ task_id }) => task_id)
    tasksOfNode.set(node.id, ids)
    tasks.push(...made)
    parts.push({ title: node.title, answer: solution?.answer ?? { kind: 'actions' }, tasks: ids })
  }
  await decideLevels(planning, execution, candidates, lookAtAll)
  return seal(planning, execution, tasks, candidates, parts, names)
}

/** The agreement for one task whose target was not as expected. */
export async function replanTask(
  planning: Planning,
  execution: ExecutionRow,
  task: TaskRow,
  place: Place,
): Promise<{ task: Partial<TaskRow>; work: Work }> {
  const { expect_before, observe_only, ...action } = Action.parse(task.spec)
  const copy = { ...task, approval_id: null, dependencies: [] }
  const candidate: Candidate = {
    task: copy,
    action: { ...action, observe_only: false },
    summary: task.title,
    why: '',
  }
  await inspectAll(planning, execution, [candidate])
  const work = seal(planning, execution, [], [candidate], [], new Set(place.names), place.position)
  const { spec, action_hash, level, approval_id } = copy
  return { task: { spec, action_hash, level, approval_id }, work }
}

function actionOf({ action }: PlannedAction, { request }: ExecutionRow): Action {
  const workspace = action.workspace ?? request.context?.workspace
  // What must be found beforehand is for the policy to say, not for whoever found the solution.
  const { expect_before, observe_only, ...rest } = action
  return Action.parse({ ...rest, ...(workspace === undefined ? {} : { workspace }) })
}

function freeName(taken: Set<string>, wanted: string): string {
  let name = wanted
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`
  taken.add(name)
  return name
}

/** One operation on a service at a time, whoever asked for it. */
const concurrencyKey = ({ kind, input }: Action): string | null =>
  kind.startsWith('service.') && kind !== 'service.status' && typeof input.target === 'string'
    ? `service:${input.target}`
    : null

async function decideLevels(
  planning: Planning,
  execution: ExecutionRow,
  candidates: Candidate[],
  lookAtAll: boolean,
): Promise<void> {
  const { policy } = planning
  let mustLook = lookAtAll
  const touched = new Set<string>()
  for (const candidate of candidates) {
    const { task, action } = candidate
    const known = policy.kinds[action.kind]
    const effect = effectOf(policy, action.kind, action.input)
    const subject = subjectOf(action)
    const creates = known?.creates === 'absent' && subject !== undefined && !touched.has(subject)
    if (subject !== undefined) touched.add(subject)
    const facts = { kind: action.kind, effect: creates ? ('create' as const) : effect }
    const { level, why } = levelOf(policy, {
      ...facts,
      reversibility: undefined,
      environment: undefined,
      sandbox: undefined,
    })
    task.level = level
    candidate.why = why
    if (creates) action.expect_before = 'absent'
    if (level > 0) mustLook = true
  }
  if (mustLook) await inspectAll(planning, execution, candidates)
}

const subjectOf = ({ input }: Action): string | undefined => {
  const subject = input.path ?? input.target
  return typeof subject === 'string' ? subject : undefined
}

async function inspectAll({ bus, policy }: Planning, execution: ExecutionRow, candidates: Candidate[]): Promise<void> {
  const looked = candidates.filter(({ action }) => effectOf(policy, action.kind, action.input) !== 'read')
  if (looked.length === 0) return
  const { inspections } = await bus.call(
    inspectAction,
    {
      execution_id: execution.execution_id,
      actions: looked.map(({ action }) => ({ ...action, expect_before: undefined })),
    },
    { principal: { tenant: execution.tenant, user: execution.user_name }, trace: execution.trace },
  )
  const touched = new Set<string>()
  let anything = false
  looked.forEach((candidate, index) => {
    const found = inspections[index]
    if (!found) throw new DeedError('internal', 'the executor looked at fewer actions than it was asked to')
    if ('error' in found) throw DeedError.from(found.error)
    const subject = subjectOf(candidate.action)
    // What an earlier action of the plan may change cannot be expected to stay as it was found.
    const steady = !anything && (subject === undefined ? touched.size === 0 : !touched.has(subject))
    applyInspection(policy, candidate, found.inspection, steady)
    if (subject !== undefined) touched.add(subject)
    if (candidate.action.kind === 'command.run') anything = true
  })
}

function applyInspection(policy: Policy, candidate: Candidate, inspection: Inspection, steady: boolean): void {
  const { task, action } = candidate
  delete action.expect_before
  candidate.summary = inspection.summary
  if (steady && inspection.already_so && action.already_so === 'skip') {
    action.observe_only = true
    task.level = 0
    candidate.why = 'it is so already'
    return
  }
  const effect = !steady && inspection.effect === 'create' ? 'change' : inspection.effect
  const { level, why } = levelOf(policy, {
    kind: action.kind,
    effect,
    reversibility: inspection.reversibility,
    environment: inspection.environment,
    sandbox: inspection.sandbox,
  })
  task.level = level
  candidate.why = why
  if (steady && inspection.state_before !== '') action.expect_before = inspection.state_before
}

/** Fixes the bytes that run, and puts approvals before them: one for the plan, one for each step of level 3. */
function seal(
  { policy, now }: Planning,
  execution: ExecutionRow,
  tasks: TaskRow[],
  candidates: readonly Candidate[],
  parts: PlanPart[],
  names: Set<string>,
  position = 0,
): Work {
  for (const { task, action } of candidates) {
    task.spec = action as JsonObject
    task.action_hash = hashJson(action)
  }
  const planned = candidates.map(({ task }) => ({ task_id: task.task_id, action_hash: task.action_hash }))
  const approvals: ApprovalRow[] = []
  const people: TaskRow[] = []
  const ask = (covered: readonly Candidate[], level: Level, before: TaskId[], name: string): void => {
    const at = now()
    const approvalId = randomUUIDv7() as ApprovalId
    const task = newTask(execution, {
      position: position + tasks.length + people.length,
      name: freeName(names, name),
      title: `agree to ${covered.length === 1 ? covered[0]?.summary : `${covered.length} actions`}`
        .slice(0, 512)
        .toWellFormed(),
      task_kind: 'approve',
      capability: 'human',
      priority: 1,
      level,
      approval_id: null,
      dependencies: before,
      now: at,
    })
    people.push(task)
    const actions: CoveredAction[] = covered.map(({ task: { task_id, title, level: own, spec }, summary, why }) => ({
      task_id,
      title,
      summary,
      level: own,
      why,
      action: spec ?? {},
    }))
    approvals.push({
      tenant: execution.tenant,
      approval_id: approvalId,
      execution_id: execution.execution_id,
      task_id: task.task_id,
      level,
      status: 'pending',
      plan_hash: hashJson({
        policy_version: policy.version,
        actions: covered.map(({ task: { task_id, action_hash } }) => ({ task_id, action_hash })),
      }),
      policy_version: policy.version,
      actions,
      requested_by: execution.user_name,
      decided_by: null,
      reason: null,
      created_at: isoTime(at),
      decided_at: null,
      consumed_at: null,
      expires_at: isoTime(at + policy.approval_ttl_seconds * 1_000),
    })
    for (const { task: coveredTask } of covered) {
      coveredTask.approval_id = approvalId
      coveredTask.dependencies = [...coveredTask.dependencies, task.task_id]
    }
  }
  const agreed = candidates.filter(({ task }) => task.level === 1 || task.level === 2)
  const highest = Math.max(0, ...agreed.map(({ task }) => task.level)) as Level
  // From level 2 on the plan is looked at whole, its harmless steps included.
  if (highest > 0) ask(highest === 2 ? candidates.filter(({ task }) => task.level < 3) : agreed, highest, [], 'approve')
  for (const step of candidates) {
    if (step.task.level === 3) ask([step], 3, [...step.task.dependencies], `approve-${step.task.name}`)
  }
  return {
    tasks: [...tasks, ...people],
    approvals,
    plan: {
      number: 0,
      plan: { parts },
      plan_hash: hashJson({ policy_version: policy.version, actions: planned }),
      policy_version: policy.version,
    },
  }
}
