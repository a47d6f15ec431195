/** Finds goals and schedules that contradict each other by the outcomes of their actions, when the later one is put. */
import type { Bus } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Principal } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { emptySnapshot, newExecution } from '../execution/new-execution.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import type { Workspaces } from '../policy/touched-by.ts'
import type { Clock } from '../store/clock.ts'
import { type GoalRow, type GoalsOf, readGoals, steerGoal } from '../store/goals.ts'
import { readSchedules } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'
import type { SolvedNode } from '../thinking/solve-node.ts'
import { think } from '../thinking/think.ts'
import { contradictionOf, type Outcomes, outcomesOf, sharedBy, thingOf } from './outcomes.ts'

type EnforcedGoal = Pick<GoalRow, 'name' | 'steps' | 'paused' | 'status'>

/** Paused and blocked goals are not enforced. */
const isEnforced = ({ paused, status }: EnforcedGoal): boolean => !paused && status !== 'blocked'

const outcomesOfGoal = (workspaces: Workspaces, { steps }: Pick<GoalRow, 'steps'>): Outcomes =>
  outcomesOf(
    workspaces,
    steps.map(({ action }) => Action.parse(action)),
  )

/** Of a task's words that a message names. */
const TASK_CHARS_SHOWN = 80

/**
 * @param nodes what is to be done for the request
 * @throws {DeedError} `goal_conflict` where a goal would take back what comes of it
 */
export async function refuseRequestAgainstGoals(
  { goals, planning: { workspaces } }: { goals: GoalsOf; planning: { workspaces: Workspaces } },
  { tenant, request }: Pick<ExecutionRow, 'tenant' | 'request'>,
  nodes: readonly Pick<SolvedNode, 'solution'>[],
): Promise<void> {
  const wanted = outcomesOfNodes(workspaces, request, nodes)
  if (wanted.size === 0) return
  const { manifest, task } = request
  const words = task.length > TASK_CHARS_SHOWN ? `${task.slice(0, TASK_CHARS_SHOWN).toWellFormed()} ...` : task
  const who = manifest === undefined ? `the task ${JSON.stringify(words)}` : `the manifest ${manifest.name}`
  refuseAgainstGoals(workspaces, await goals(tenant), who, wanted)
}

/**
 * @param who whose outcomes these are, as in `the manifest site`
 * @throws {DeedError} `goal_conflict`, naming both, and what to do
 */
export function refuseAgainstGoals(
  workspaces: Workspaces,
  goals: readonly EnforcedGoal[],
  who: string,
  wanted: Outcomes,
): void {
  if (wanted.size === 0) return
  for (const goal of goals.filter(isEnforced)) {
    const found = contradictionOf(wanted, outcomesOfGoal(workspaces, goal))
    if (!found) continue
    throw new DeedError(
      'goal_conflict',
      `${who} wants ${thingOf(found.what)} to be ${shown(found.one)}, and the goal ${goal.name} keeps it ${shown(found.other)}; ` +
        `change one of the two, or pause the goal first: deed goal pause ${goal.name}`,
      { details: { goal: goal.name, what: found.what } },
    )
  }
}

/** What interpreting the words of a request requires. */
interface Understanding {
  bus: Bus
  log: Log
  clock: Clock
  planning: { workspaces: Workspaces }
}

/** @throws {DeedError} `goal_conflict` if an active schedule does what the goal would reverse */
export async function refuseAgainstSchedules(
  looking: Understanding & { db: Database },
  principal: Principal,
  { name, steps }: Pick<GoalRow, 'name' | 'steps'>,
): Promise<void> {
  const wanted = outcomesOfGoal(looking.planning.workspaces, { steps })
  if (wanted.size === 0) return
  const schedules = await readSchedules(looking.db, principal, null)
  for (const { name: schedule, request, paused } of schedules) {
    if (paused) continue
    const found = contradictionOf(wanted, await outcomesOfRequest(looking, principal, request))
    if (!found) continue
    throw new DeedError(
      'goal_conflict',
      `the goal ${name} keeps ${thingOf(found.what)} ${shown(found.one)}, and the schedule ${schedule} wants it ${shown(found.other)}; ` +
        `change one of the two, or pause the schedule first: deed schedule pause ${schedule}`,
      { details: { schedule, what: found.what } },
    )
  }
}

/** The outcomes of a request, as rules and runbooks understand it now; empty if none understands it. */
export async function outcomesOfRequest(
  looking: Understanding,
  principal: Principal,
  request: ExecutionRequest,
): Promise<Outcomes> {
  const { execution } = emptySnapshot(newExecution({ request, principal, trace: '' }, looking.clock.now()))
  try {
    const thought = await think(looking, execution, { remembered: false })
    return thought.type === 'solved' ? outcomesOfNodes(looking.planning.workspaces, request, thought.nodes) : new Map()
  } catch (error) {
    // It is refused for its own reason when it is due.
    if (error instanceof DeedError) return new Map()
    throw error
  }
}

function outcomesOfNodes(
  workspaces: Workspaces,
  { context }: ExecutionRequest,
  nodes: readonly Pick<SolvedNode, 'solution'>[],
): Outcomes {
  const planned = nodes.flatMap(({ solution }) => solution?.actions ?? [])
  return outcomesOf(
    workspaces,
    planned.map(({ action }) => Action.parse({ ...action, workspace: action.workspace ?? context?.workspace })),
  )
}

/**
 * The goals that would restore what an undo reverses.
 *
 * @param actions the actions to undo
 */
export async function goalsKeeping(
  db: Database,
  workspaces: Workspaces,
  principal: Principal,
  actions: readonly Action[],
): Promise<string[]> {
  const undone = outcomesOf(workspaces, actions)
  if (undone.size === 0) return []
  const goals = await readGoals(db, principal, null)
  return goals
    .filter((goal) => isEnforced(goal) && sharedBy(undone, outcomesOfGoal(workspaces, goal)).length > 0)
    .map(({ name }) => name)
}

/** @throws {DeedError} `goal_conflict` if a goal keeps it and must not be paused */
export async function letGoalsRest(
  db: Database,
  principal: Principal,
  goals: readonly string[],
  pauseGoals: boolean,
): Promise<void> {
  const [first] = goals
  if (first === undefined) return
  if (!pauseGoals) throw new DeedError('goal_conflict', keptSentence(first), { details: { goals: [...goals] } })
  for (const goal of goals) await steerGoal(db, principal, goal, 'pause')
}

export const keptSentence = (goal: string): string =>
  `the goal ${goal} keeps this, and would restore it; pause it first: deed goal pause ${goal}`

const shown = (state: string): string =>
  state.startsWith('sha256:') ? `a file with the content ${state.slice(0, 'sha256:'.length + 12)}` : state
