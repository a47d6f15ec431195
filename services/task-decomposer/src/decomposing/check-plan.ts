/** Checks a plan before anybody acts on it: one made by methods or without. Pure; an empty list means that it is valid. */
import { factsOf } from '@deed/proto/kinds'
import { GoalNode } from '@deed/proto/task'
import { thingsOf } from './expand.ts'

const TASKS_MAX = 500
const DEPTH_MAX = 12
const CHILDREN_MAX = 200

/**
 * @param nodes in dependency order
 * @param criteria each of which a verifier must observe
 */
export function faultsOf(nodes: readonly GoalNode[], criteria: readonly string[]): string[] {
  const faults: string[] = []
  const known = new Map<string, GoalNode>()
  const depths = new Map<string, number>()
  const children = new Map<string, number>()
  if (nodes.length > TASKS_MAX) faults.push(`${nodes.length} nodes are more than ${TASKS_MAX}`)
  for (const node of nodes) {
    const { id, parent, depends_on, check, verifies = [] } = node
    if (!GoalNode.safeParse(node).success) faults.push(`${id} is malformed`)
    if (known.has(id)) faults.push(`${id} is there twice`)
    if (parent !== undefined) {
      if (known.get(parent) === undefined || known.get(parent)?.kind === 'task')
        faults.push(`${id} has no parent ${parent}`)
      children.set(parent, (children.get(parent) ?? 0) + 1)
    }
    depths.set(id, (depths.get(parent ?? '') ?? 0) + 1)
    // Earlier nodes only: so there is no cycle.
    for (const other of [...depends_on, ...verifies])
      if (!known.has(other)) faults.push(`${id} refers to ${other}, which is not before it`)
    if (node.kind === 'task') {
      if (check === undefined) faults.push(`nothing says what proves ${id}`)
      if (check?.by === 'kind')
        for (const kind of check.kinds) if (!factsOf(kind)) faults.push(`${id} needs ${kind}, which is no kind`)
    }
    known.set(id, node)
  }
  for (const [id, count] of children)
    if (count > CHILDREN_MAX) faults.push(`${id} has ${count} parts; at most ${CHILDREN_MAX}`)
  for (const [id, depth] of depths) if (depth > DEPTH_MAX) faults.push(`${id} is ${depth} deep; at most ${DEPTH_MAX}`)
  if (!nodes.some(({ kind }) => kind === 'task')) faults.push('there is no task')
  for (const criterion of criteria) {
    if (!nodes.some(({ verifies, acceptance_criteria }) => verifies && acceptance_criteria.includes(criterion)))
      faults.push(`nothing observes "${criterion}"`)
  }
  return faults.length > 0 ? faults : racesIn(nodes)
}

/** Two tasks that make the same thing, neither of which waits for the other. */
function racesIn(nodes: readonly GoalNode[]): string[] {
  const before = new Map<string, Set<string>>()
  const makers = new Map<string, string>()
  const faults: string[] = []
  for (const node of nodes) {
    const earlier = new Set<string>()
    for (const id of node.depends_on) {
      earlier.add(id)
      for (const other of before.get(id) ?? []) earlier.add(other)
    }
    before.set(node.id, earlier)
    for (const thing of node.kind === 'task' ? thingsOf(node) : []) {
      const last = makers.get(thing)
      if (last !== undefined && !earlier.has(last)) faults.push(`${last} and ${node.id} make ${thing} at once`)
      makers.set(thing, node.id)
    }
  }
  return faults
}
