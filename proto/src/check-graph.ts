/** Validates a graph of tasks: ids, dependencies, cycles, limits. */
import { DeedError } from './errors.ts'
import { inDependencyOrder, type Linked } from './graph.ts'
import { EDGES_MAX, NODES_MAX } from './task.ts'

/**
 * The tasks in dependency order, without duplicate dependencies.
 *
 * @param path of the list, in the message that contains it
 * @throws {DeedError} too_many_nodes, too_many_edges, duplicate_id, unknown_dependency, cyclic_dependency
 */
export function checkGraph<Task extends Linked>(tasks: readonly Task[], path = '$.tasks'): Task[] {
  if (tasks.length > NODES_MAX) {
    throw new DeedError('too_many_nodes', `${tasks.length} tasks are more than ${NODES_MAX}; split the goal`, {
      path,
      details: { nodes: tasks.length, nodes_max: NODES_MAX },
    })
  }
  const edges = tasks.reduce((sum, { depends_on }) => sum + depends_on.length, 0)
  if (edges > EDGES_MAX) {
    throw new DeedError(
      'too_many_edges',
      `${edges} dependencies are more than ${EDGES_MAX}; replace many of them by one task in between`,
      { path, details: { edges, edges_max: EDGES_MAX } },
    )
  }
  const places = new Map<string, number>()
  for (const [index, { id }] of tasks.entries()) {
    const first = places.get(id)
    if (first !== undefined) {
      throw new DeedError('duplicate_id', `the id ${id} is at ${path}[${first}] and at ${path}[${index}]; rename one`, {
        path: `${path}[${index}].id`,
        details: { id, places: [`${path}[${first}].id`, `${path}[${index}].id`] },
      })
    }
    places.set(id, index)
  }
  const linked = tasks.map((task, index) => ({ ...task, depends_on: dependencies(task, `${path}[${index}]`, places) }))
  const { ordered, cycle } = inDependencyOrder(linked)
  if (cycle !== undefined) throw cyclic(cycle, path, places)
  return ordered
}

function dependencies(task: Linked, path: string, places: ReadonlyMap<string, number>): string[] {
  for (const [position, dependency] of task.depends_on.entries()) {
    if (!places.has(dependency)) {
      throw new DeedError(
        'unknown_dependency',
        `${task.id} depends on ${dependency}, which is not a task; add or remove it`,
        {
          path: `${path}.depends_on[${position}]`,
          details: { id: task.id, dependency },
        },
      )
    }
  }
  return [...new Set(task.depends_on)]
}

function cyclic(cycle: readonly string[], path: string, places: ReadonlyMap<string, number>): DeedError {
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), '...', ...cycle.slice(-5)] : cycle
  return new DeedError(
    'cyclic_dependency',
    `these tasks wait for one another: ${shown.join(' -> ')}; remove one dependency`,
    {
      path: `${path}[${places.get(cycle[0] ?? '')}].depends_on`,
      details: { cycle: [...cycle] },
    },
  )
}
