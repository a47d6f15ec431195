/**
 * How long a plan is expected to take: what is known of the actions that were found, and only where none are known yet,
 * since a model is to be asked, what the words suggest.
 */
import type { PlannedAction } from '@deed/proto/agent'
import { criticalPathMs } from '@deed/proto/graph'
import type { SolvedNode } from './solve-node.ts'

/** Rough times of one action with its observation, in milliseconds, by how the name of its kind begins. */
const EXPECTED_MS: readonly (readonly [string, number])[] = [
  ['file.', 20],
  ['dir.', 20],
  ['code.', 20],
  ['sql.', 100],
  ['git.', 200],
  ['nats.', 200],
  ['http.', 500],
  ['kubernetes.', 60_000],
  // A person's time is nobody's to expect; who asks at once hears that it waits.
  ['human.', 0],
]
/** Programs, services, tools of others. */
const OTHER_MS = 2_000

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
  return EXPECTED_MS.find(([start]) => kind.startsWith(start))?.[1] ?? OTHER_MS
}
