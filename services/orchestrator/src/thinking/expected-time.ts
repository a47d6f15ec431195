/** Estimates the duration of a plan: from its actions, or from the words if a model has yet to find the actions. */
import type { PlannedAction } from '@deed/proto/agent'
import { criticalPathMs } from '@deed/proto/graph'
import { EXPECTED_MS_OF_OTHERS, factsOf } from '@deed/proto/kinds'
import type { SolvedNode } from './solve-node.ts'

/** The plan's nodes with their estimated durations; in total, independent nodes run in parallel. */
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
