/** Breaks a goal down into a graph of tasks. Pure: the same goal gives the same graph, byte for byte. */
import { checkGraph } from '@deed/proto/check-graph'
import { criticalPathMs } from '@deed/proto/graph'
import { Complexity, type Decomposition, type decomposeTask, type GoalNode } from '@deed/proto/task'
import type { z } from 'zod'
import { estimate } from './estimate.ts'
import type { Clause } from './order-clauses.ts'
import { planPhases, shortened, wantsPhases } from './plan-phases.ts'
import { splitClauses } from './split-clauses.ts'

export type Goal = z.output<typeof decomposeTask.input>

/** @throws {DeedError} if a proposed graph is invalid; see `checkGraph` */
export function decompose({
  goal,
  complexity,
  acceptance_criteria: criteria = [],
  context,
  tasks,
}: Goal): Decomposition {
  if (tasks !== undefined) {
    return decomposition(
      goal,
      'proposed',
      checkGraph(tasks).map((task) => taskNode(task.id, task.description, task)),
    )
  }
  const level = complexity ?? Complexity.safeParse(context?.complexity).data
  const clauses = level === 'complex' && wantsPhases(goal, level) ? undefined : splitClauses(goal)
  if (clauses !== undefined) return decomposition(goal, 'clauses', clauseNodes(clauses, criteria))
  if (wantsPhases(goal, level)) return decomposition(goal, 'phases', planPhases(goal, criteria))
  return decomposition(goal, 'single', [taskNode('task-1', goal, { acceptance_criteria: [...criteria] })])
}

function decomposition(goal: string, method: Decomposition['method'], nodes: GoalNode[]): Decomposition {
  return { goal, nodes, method, critical_path_ms: criticalPathMs(nodes) }
}

function clauseNodes(clauses: readonly Clause[], criteria: readonly string[]): GoalNode[] {
  const owners = criteria.map((criterion) => ownerOf(criterion, clauses))
  return clauses.map(({ title, text, after }, index) => ({
    ...taskNode(`task-${index + 1}`, text, {
      depends_on: after.map((other) => `task-${other + 1}`),
      acceptance_criteria: criteria.filter((_, position) => owners[position] === index),
    }),
    ...estimate(title),
    title: shortened(title),
  }))
}

/** The clause that shares most words with a criterion; by default the last one. */
function ownerOf(criterion: string, clauses: readonly Clause[]): number {
  const wanted = wordsOf(criterion)
  let owner = clauses.length - 1
  let most = 0
  for (const [index, { title }] of clauses.entries()) {
    const shared = [...wordsOf(title)].filter((word) => wanted.has(word)).length
    if (shared > most) {
      most = shared
      owner = index
    }
  }
  return owner
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\w./-]{4,}/g))
}

function taskNode(
  id: string,
  description: string,
  { depends_on = [], acceptance_criteria = [] }: Partial<Pick<GoalNode, 'depends_on' | 'acceptance_criteria'>>,
): GoalNode {
  return {
    id,
    kind: 'task',
    title: shortened(description),
    description,
    depends_on,
    acceptance_criteria,
    ...estimate(description),
    capability: 'act',
  }
}
