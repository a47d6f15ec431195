/** Thinking about a manifest: its graph is given, and what is said in words is solved task by task. */
import type { Bus } from '@deed/mesh/bus'
import { processTask } from '@deed/proto/agent'
import { checkGraph } from '@deed/proto/check-graph'
import { DeedError } from '@deed/proto/errors'
import type { Manifest, ManifestTask } from '@deed/proto/manifest'
import type { GoalNode } from '@deed/proto/task'
import type { ExecutionRow } from '../snapshot.ts'
import { expectTimes } from './expected-time.ts'
import { type SolvedNode, solveNode, taskOf } from './solve-node.ts'
import type { Thought } from './thought.ts'

/** Tasks in words that are asked about at once. */
const LANES = 32
const TITLE_CHARS_MAX = 512

/** @throws {DeedError} where a rule knows what is meant and refuses it, or the rules themselves are away */
export async function thinkManifest(
  { bus }: { bus: Bus },
  execution: ExecutionRow,
  { tasks, defaults }: Manifest,
): Promise<Thought> {
  const ordered = checkGraph(tasks)
  const nodes = new Array<SolvedNode>(ordered.length)
  const remaining = ordered.entries()
  const lane = async (): Promise<void> => {
    for (const [index, task] of remaining) {
      const solved = task.action ? given(task) : await solveWords(bus, execution, task, defaults)
      const { priority, on_failure, concurrency_key } = { ...defaults, ...task }
      nodes[index] = { ...solved, terms: { priority, on_failure, concurrency_key } }
    }
  }
  await Promise.all(Array.from({ length: Math.min(LANES, ordered.length) }, lane))
  const method = nodes.every(({ solution }) => solution) ? 'autonomous' : null
  return { type: 'solved', ...expectTimes(nodes), method, degraded: [] }
}

/** Whoever gave the action is not asked what it is; policy, inspection and approval are as for any other. */
function given(task: ManifestTask): SolvedNode {
  const { kind, input } = task.action ?? {}
  const target = [input?.path, input?.target, input?.to].find((one) => typeof one === 'string')
  const title = target === undefined ? `${task.id}: ${kind}` : `${task.id}: ${kind} ${target}`
  const action = { ...(task.action as NonNullable<ManifestTask['action']>), observe_only: false }
  return {
    node: nodeOf(task, title, title),
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
  const { request, tenant, user_name: user, trace, execution_id: id } = execution
  const words = task.task ?? ''
  const options = { principal: { tenant, user }, trace }
  const criteria = task.acceptance_criteria ?? defaults?.acceptance_criteria
  const asked = taskOf(request, words, criteria)
  const node = nodeOf(task, words, words)
  try {
    const reply = await bus.call(processTask, asked, options)
    return await solveNode({ bus, seed: `${id}/${task.id}`, ...options }, node, asked, reply, undefined)
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    throw DeedError.from({ ...error.body, message: `task ${task.id}: ${error.message}` })
  }
}

const nodeOf = (
  { id, depends_on, acceptance_criteria = [] }: ManifestTask,
  title: string,
  words: string,
): GoalNode => ({
  id,
  kind: 'task',
  title: titled(title),
  description: words,
  depends_on,
  acceptance_criteria,
  estimated_ms: 0,
  estimated_cost_usd: 0,
  capability: 'act',
  risk: 'low',
})

const titled = (text: string): string => text.slice(0, TITLE_CHARS_MAX).toWellFormed()
