/** Thinks about a manifest: its graph is given, and tasks in words are solved one by one. */

import type { Bus } from '@deed/mesh/bus'
import { inLanes } from '@deed/process/in-lanes'
import { checkInputs } from '@deed/proto/action'
import { processTask } from '@deed/proto/agent'
import { checkGraph } from '@deed/proto/check-graph'
import { DeedError } from '@deed/proto/errors'
import type { Manifest, ManifestTask } from '@deed/proto/manifest'
import type { GoalNode } from '@deed/proto/task'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { expectTimes } from './expected-time.ts'
import { type SolvedNode, solveNode, taskOf } from './solve-node.ts'
import { taskNode, titled } from './task-node.ts'
import type { Thought } from './thought.ts'

/** Tasks in words that are solved concurrently. */
const LANES = 32
/** Of one request to the executor: its actions, and their JSON. */
const CHECKED_MAX = 1_000
const CHECKED_CHARS_MAX = 256 * 1024

/** @throws {DeedError} if a rule understands a task and refuses it, or the rules are unavailable */
export async function thinkManifest(
  { bus }: { bus: Bus },
  execution: ExecutionRow,
  { tasks, defaults }: Manifest,
): Promise<Thought> {
  const ordered = checkGraph(tasks)
  await refuseWrongInputs(bus, execution, tasks)
  const nodes = await inLanes(LANES, ordered, async (task): Promise<SolvedNode> => {
    const solved = task.action ? given(task) : await solveWords(bus, execution, task, defaults)
    const { priority, on_failure, concurrency_key } = { ...defaults, ...task }
    return { ...solved, terms: { priority, on_failure, concurrency_key } }
  })
  const method = nodes.every(({ solution }) => solution) ? 'autonomous' : null
  return { type: 'solved', ...expectTimes(nodes), method, degraded: [] }
}

/**
 * Given inputs must match the schemas of their kinds before anything is done: a read, or what creates, is not inspected.
 *
 * @throws {DeedError} that names the first wrong task, its field, and what is allowed
 */
async function refuseWrongInputs(bus: Bus, execution: ExecutionRow, tasks: readonly ManifestTask[]): Promise<void> {
  const batches: { id: string; index: number; action: NonNullable<ManifestTask['action']> }[][] = []
  let chars = CHECKED_CHARS_MAX
  for (const [index, { id, action }] of tasks.entries()) {
    if (!action) continue
    const size = JSON.stringify(action).length
    if (chars + size > CHECKED_CHARS_MAX || batches.at(-1)?.length === CHECKED_MAX) {
      batches.push([])
      chars = 0
    }
    batches.at(-1)?.push({ id, index, action })
    chars += size
  }
  for (const batch of batches) {
    const actions = batch.map(({ action }) => action)
    const { fault } = await bus.call(checkInputs, { actions }, onBehalfOf(execution))
    const wrong = fault === null ? undefined : batch[fault.index]
    if (!fault || !wrong) continue
    const { message, path = '$' } = fault.error
    throw DeedError.from({
      ...fault.error,
      message: `task ${wrong.id}: ${message}`,
      path: path.replace('$', `$.manifest.tasks[${wrong.index}].action`),
    })
  }
}

/** A given action needs no solving; policy, inspection and approval apply as to any other. */
function given(task: ManifestTask): SolvedNode {
  const { kind, input } = task.action ?? {}
  const target = [input?.path, input?.target, input?.to].find((one) => typeof one === 'string')
  const title = target === undefined ? `${task.id}: ${kind}` : `${task.id}: ${kind} ${target}`
  const action = { ...(task.action as NonNullable<ManifestTask['action']>), observe_only: false }
  return {
    node: nodeOf(task, title),
    solution: {
      actions: [{ name: 'given', title: titled(title), action, depends_on: [] }],
      answer: { kind: 'actions' },
      confidence: 1,
    },
  }
}

async function solveWords(
  bus: Bus,
  execution: ExecutionRow,
  task: ManifestTask,
  defaults: Manifest['defaults'],
): Promise<SolvedNode> {
  const { request, execution_id: id } = execution
  const words = task.task ?? ''
  const options = onBehalfOf(execution)
  const criteria = task.acceptance_criteria ?? defaults?.acceptance_criteria
  const asked = taskOf(request, words, criteria)
  const node = nodeOf(task, words)
  try {
    const reply = await bus.call(processTask, asked, options)
    return await solveNode({ bus, seed: `${id}/${task.id}`, ...options }, node, asked, reply, undefined)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw DeedError.from({ ...error.body, message: `task ${task.id}: ${error.message}` })
  }
}

const nodeOf = ({ id, depends_on, acceptance_criteria = [] }: ManifestTask, title: string): GoalNode =>
  taskNode({ id, title, depends_on, acceptance_criteria })
