/**
 * The graph as it is drawn: few enough nodes for any number of tasks. What is not drawn alone is folded by stage and status
 * into a node that says how many it is; what failed, and what is selected, is always a node of its own.
 */
import type { TaskStatus } from '@deed/proto/states'
import { counted } from '../../text/times.ts'
import { type GraphTask, type TaskLayers, taskLayers } from './task-layers.ts'

export interface GraphNode {
  readonly key: string
  readonly title: string
  readonly status: TaskStatus
  /** Its column, from 0. */
  readonly layer: number
  /** One, or those that are folded here. */
  readonly task_ids: readonly string[]
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Edges that are not drawn. */
  readonly edgesOmitted: number
}

export const NODES_DRAWN_MAX = 200
const EDGES_DRAWN_MAX = 1_000
/** Kept for the folded ones, however many have failed. */
const FOLDED_MIN = 40

interface Placed extends Omit<GraphTask, 'dependencies'> {
  /** Among all tasks, from 0. */
  readonly place: number
  readonly layer: number
}

const FAILED: ReadonlySet<TaskStatus> = new Set(['failed', 'blocked'])

/** @param selected the task that is drawn alone in any case */
export function foldTasks(tasks: readonly GraphTask[], selected?: string): Graph {
  const known = layersOf(tasks)
  const all = tasks.map(({ task_id, title, actual_status }, place): Placed => {
    return { task_id, title, actual_status, place, layer: known.layers[place] ?? 0 }
  })
  if (all.length <= NODES_DRAWN_MAX) {
    return withEdges(
      known,
      all.map((task) => [task]),
      ({ layer }) => layer,
    )
  }
  const failed = all.filter(({ actual_status: status }) => FAILED.has(status))
  const kept = new Set<Placed>(failed.slice(0, NODES_DRAWN_MAX - FOLDED_MIN - 1))
  const chosen = all.find(({ task_id: id }) => id === selected)
  if (chosen) kept.add(chosen)
  const others = all.filter((task) => !kept.has(task))
  const span = spanOf(others, NODES_DRAWN_MAX - kept.size)
  const stageOf = ({ layer }: Placed): number => Math.floor(layer / span)
  const groups = Map.groupBy(others, (task) => `${stageOf(task)}.${task.actual_status}`)
  const single = all.filter((task) => kept.has(task)).map((task) => [task])
  return withEdges(known, [...single, ...groups.values()], stageOf)
}

/** Another selection changes no layer, and of ten thousand tasks they take longer than a frame. */
const layersOfTasks = new WeakMap<readonly GraphTask[], TaskLayers>()

function layersOf(tasks: readonly GraphTask[]): TaskLayers {
  const layers = layersOfTasks.get(tasks) ?? taskLayers(tasks)
  layersOfTasks.set(tasks, layers)
  return layers
}

/** How many layers a stage has, so that stages by status are at most `nodesMax`. */
function spanOf(tasks: readonly Placed[], nodesMax: number): number {
  const statuses = new Map<number, Set<TaskStatus>>()
  for (const { layer, actual_status: status } of tasks) {
    const known = statuses.get(layer)
    if (known) known.add(status)
    else statuses.set(layer, new Set([status]))
  }
  for (let span = 1; ; span *= 2) {
    const stages = new Map<number, Set<TaskStatus>>()
    let count = 0
    for (const [layer, found] of statuses) {
      const stage = Math.floor(layer / span)
      const known = stages.get(stage) ?? new Set()
      count -= known.size
      for (const status of found) known.add(status)
      count += known.size
      stages.set(stage, known)
    }
    if (count <= nodesMax) return span
  }
}

/** One for a task alone, or for several of the same stage and status. */
function nodeOf(tasks: readonly Placed[], first: Placed, layer: number): GraphNode {
  const { task_id: id, title, actual_status: status } = first
  const ids = tasks.map(({ task_id }) => task_id)
  return ids.length === 1
    ? { key: id, title, status, layer, task_ids: ids }
    : { key: `${layer}.${status}`, title: counted(ids.length, 'task'), status, layer, task_ids: ids }
}

/** @param groups the tasks of each node */
function withEdges(
  { dependencies }: TaskLayers,
  groups: readonly (readonly Placed[])[],
  stageOf: (task: Placed) => number,
): Graph {
  const nodes = groups.flatMap((tasks) => (tasks[0] ? nodeOf(tasks, tasks[0], stageOf(tasks[0])) : []))
  const nodeAt = new Uint32Array(dependencies.length)
  for (const [number, tasks] of groups.entries()) for (const { place } of tasks) nodeAt[place] = number
  /** Both numbers in one, which is quick to compare. */
  const pairs = new Set<number>()
  for (const [place, before] of dependencies.entries()) {
    const to = nodeAt[place] ?? 0
    for (const one of before) {
      const from = nodeAt[one] ?? 0
      if (from !== to) pairs.add(from * nodes.length + to)
    }
  }
  const edges = [...pairs].slice(0, EDGES_DRAWN_MAX).flatMap((pair): GraphEdge[] => {
    const [from, to] = [nodes[Math.floor(pair / nodes.length)], nodes[pair % nodes.length]]
    return from && to ? [{ from: from.key, to: to.key }] : []
  })
  return { nodes, edges, edgesOmitted: pairs.size - edges.length }
}
