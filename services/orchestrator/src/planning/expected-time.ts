/**
 * How long a plan is expected to take: what is known of the actions that were found, and only where none are known yet,
 * since a model is to be asked, what the words suggest.
 */
import type { PlannedAction } from '@deed/proto/agent'
import { criticalPathMs } from '@deed/proto/graph'
import { EXPECTED_MS_OF_OTHERS, factsOf } from '@deed/proto/kinds'
import type { SolvedNode } from './solve-node.ts'

/** The plan's nodes with the time that is expected of each; together, what depends on nothing runs side by side. */
export function expectTimes(nodes: readonly SolvedNode[]): { nodes: SolvedNode[]; estimatedMs: number } {
  const timed = nodes.map((solved) => ({ ...solved, node: { ...solved.node, estimated_ms: expectedMs(solved) } }))
  return { nodes: timed, estimatedMs: criticalPathMs(timed.map(({ node }) => node)) }
}

function expectedMs({ node, solution }: SolvedNode): number {
  if (!solution) return node.estimated_ms
  return solution.estimated_ms ?? solution.actions.reduce((sum, { action }) => sum + expectedOf(action), 0)
}

function expectedOf({ kind, input }: PlannedAction['action']): number {
  if (kind === 'wait.until' && typeof input.within_ms === 'number') return input.within_ms
  return factsOf(kind)?.expected_ms ?? EXPECTED_MS_OF_OTHERS
}
