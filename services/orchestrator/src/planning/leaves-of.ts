/** The part of a goal's graph that is done: its leaves, with everything that they and their compounds wait for. */
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Decomposition, GoalNode } from '@deed/proto/task'

const TITLE_CHARS_MAX = 120

/** Without a graph the goal is one task. A dependency on a compound means all in it. */
export function leavesOf(graph: Decomposition | undefined, request: ExecutionRequest): GoalNode[] {
  if (!graph) return [wholeOf(request)]
  const nodeAt = new Map(graph.nodes.map((node) => [node.id, node]))
  const below = new Map<string, string[]>()
  for (const node of graph.nodes) {
    if (node.kind !== 'task') continue
    for (let at: GoalNode | undefined = node; at; at = nodeAt.get(at.parent ?? '')) {
      const leaves = below.get(at.id)
      if (leaves) leaves.push(node.id)
      else below.set(at.id, [node.id])
    }
  }
  const waitsFor = (node: GoalNode): string[] => {
    const names = new Set<string>()
    for (let at: GoalNode | undefined = node; at; at = nodeAt.get(at.parent ?? '')) {
      for (const name of at.depends_on) for (const leaf of below.get(name) ?? []) names.add(leaf)
    }
    names.delete(node.id)
    return [...names]
  }
  return graph.nodes.filter(({ kind }) => kind === 'task').map((node) => ({ ...node, depends_on: waitsFor(node) }))
}

const wholeOf = ({ task, acceptance_criteria = [] }: ExecutionRequest): GoalNode => ({
  id: 'task',
  kind: 'task',
  title: titleOf(task),
  description: task,
  depends_on: [],
  acceptance_criteria,
  estimated_ms: 0,
  estimated_cost_usd: 0,
  capability: 'act',
  risk: 'low',
})

function titleOf(task: string): string {
  const line = task.replace(/\s+/g, ' ').trim()
  const first = line.charAt(0).toUpperCase() + line.slice(1)
  return first.length <= TITLE_CHARS_MAX ? first : `${first.slice(0, TITLE_CHARS_MAX - 3).toWellFormed()}...`
}
