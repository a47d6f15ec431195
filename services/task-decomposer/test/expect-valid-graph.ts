import { decomposeTask, type GoalNode } from '@deed/proto/task'
import { expect } from 'vitest'

/** The contract's guarantees for every graph. */
export function expectValidGraph(nodes: readonly GoalNode[]): void {
  decomposeTask.output.shape.nodes.parse(nodes)
  const seen = new Set<string>()
  for (const { id, parent, depends_on } of nodes) {
    expect(seen.has(id)).toBe(false)
    if (parent !== undefined) expect(seen.has(parent)).toBe(true)
    for (const dependency of depends_on) expect(seen.has(dependency)).toBe(true)
    seen.add(id)
  }
  expect(nodes.some(({ kind }) => kind === 'task')).toBe(true)
}
