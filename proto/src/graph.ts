/** Sorts and measures graphs of tasks. Linear in nodes and edges, and without recursion: a chain may be 10,000 long. */

export interface Linked {
  readonly id: string
  readonly depends_on: readonly string[]
}

/**
 * The nodes in dependency order; among candidates, the one that was given first. Every dependency must be the id of a
 * node.
 *
 * @returns `cycle` if there is one: the ids along it, the first one again at the end
 */
export function inDependencyOrder<Node extends Linked>(
  nodes: readonly Node[],
): { ordered: Node[]; cycle?: undefined } | { ordered?: undefined; cycle: string[] } {
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]))
  const open = nodes.map((node) => node.depends_on.length)
  const dependents: number[][] = nodes.map(() => [])
  for (const [index, node] of nodes.entries()) {
    for (const id of node.depends_on) dependents[indexOf.get(id) ?? -1]?.push(index)
  }
  const ready = new Smallest()
  for (const [index, count] of open.entries()) if (count === 0) ready.push(index)
  const ordered: Node[] = []
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    ordered.push(nodes[index] as Node)
    for (const dependent of dependents[index] ?? []) {
      const left = (open[dependent] ?? 0) - 1
      open[dependent] = left
      if (left === 0) ready.push(dependent)
    }
  }
  if (ordered.length === nodes.length) return { ordered }
  return { cycle: findCycle(nodes, indexOf, open) }
}

/** Every unsorted node depends on another unsorted node, so following them leads to a cycle. */
function findCycle(nodes: readonly Linked[], indexOf: ReadonlyMap<string, number>, open: readonly number[]): string[] {
  const stuck = (index: number): boolean => (open[index] ?? 0) > 0
  let index = open.findIndex((count) => count > 0)
  const path: string[] = []
  const seenAt = new Map<number, number>()
  while (!seenAt.has(index)) {
    seenAt.set(index, path.length)
    path.push(nodes[index]?.id ?? '')
    const next = nodes[index]?.depends_on.find((id) => stuck(indexOf.get(id) ?? -1))
    index = indexOf.get(next ?? '') ?? -1
  }
  return [...path.slice(seenAt.get(index)), nodes[index]?.id ?? '']
}

/**
 * The duration if everything waits for its dependencies only, in milliseconds.
 *
 * @param ordered the nodes in dependency order
 */
export function criticalPathMs(ordered: readonly (Linked & { readonly estimated_ms: number })[]): number {
  const endMs = new Map<string, number>()
  let longest = 0
  for (const { id, depends_on, estimated_ms } of ordered) {
    let start = 0
    for (const dependency of depends_on) start = Math.max(start, endMs.get(dependency) ?? 0)
    endMs.set(id, start + estimated_ms)
    longest = Math.max(longest, start + estimated_ms)
  }
  return longest
}

/** A min-heap of numbers. */
class Smallest {
  readonly #heap: number[] = []

  push(value: number): void {
    const heap = this.#heap
    let at = heap.push(value) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] ?? 0
      if (above <= value) break
      heap[at] = above
      at = parent
    }
    heap[at] = value
  }

  pop(): number | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] ?? 0) < (heap[child] ?? 0)) child++
      const below = heap[child] ?? 0
      if (below >= last) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return first
  }
}
