/** The executable part of a goal's graph: its leaves, with all dependencies of their own and of their compounds. */
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Decomposition, GoalNode } from '@deed/proto/task'
import { taskNode } from './task-node.ts'

const TITLE_CHARS_MAX = 120

/** Without a graph the goal is one task. A dependency on a compound means a dependency on everything in it. */
export function leavesOf(graph: Decomposition | undefined, request: ExecutionRequest): GoalNode[] {
  const { task, acceptance_criteria = [] } = request
  if (!graph) {
    const only = taskNode({ id: 'task', title: titleOf(task), description: task, acceptance_criteria })
    return acceptance_criteria.length === 0 ? [only] : [only, verifierOf(only)]
  }
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

/** Observes the criteria once the task is done. */
const verifierOf = ({ id, acceptance_criteria }: GoalNode): GoalNode =>
  taskNode({ id: 'verify', title: 'Verify the criteria', depends_on: [id], acceptance_criteria, verifies: [id] })

function titleOf(task: string): string {
  const line = task.replace(/\s+/g, ' ').trim()
  const first = line.charAt(0).toUpperCase() + line.slice(1)
  return first.length <= TITLE_CHARS_MAX ? first : `${first.slice(0, TITLE_CHARS_MAX - 3).toWellFormed()}...`
}
