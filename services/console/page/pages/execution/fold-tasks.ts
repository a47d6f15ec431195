/**
 * The graph as it is drawn: few enough nodes for any number of tasks. What is not drawn alone is folded by stage and status
 * into a node that says how many it is; what failed, and what is selected, is always a node of its own.
 */
import type { TaskStatus } from '@deed/proto/states'
import { type GraphTask, taskLayers } from './task-layers.ts'

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

const FAILED: ReadonlySet<TaskStatus> = new Set(['failed', 'blocked'])

/** @param selected the task that is drawn alone in any case */
export function foldTasks(tasks: readonly GraphTask[], selected?: string): Graph {
  const layers = layersOf(tasks)
  const layerOf = ({ task_id: id }: GraphTask): number => layers.get(id) ?? 0
  if (tasks.length <= NODES_DRAWN_MAX) {
    return withEdges(
      tasks,
      tasks.map((task) => alone(task, layerOf(task))),
    )
  }
  const failed = tasks.filter(({ actual_status: status }) => FAILED.has(status))
  const kept = new Set(failed.slice(0, NODES_DRAWN_MAX - FOLDED_MIN - 1).map(({ task_id: id }) => id as string))
  if (selected !== undefined && layers.has(selected)) kept.add(selected)
  const others = tasks.filter(({ task_id: id }) => !kept.has(id))
  const span = spanOf(others, layerOf, NODES_DRAWN_MAX - kept.size)
  const stageOf = (task: GraphTask): number => Math.floor(layerOf(task) / span)
  const groups = Map.groupBy(others, (task) => `${stageOf(task)}.${task.actual_status}`)
  const folded = [...groups].flatMap(([key, members]): GraphNode[] => {
    const [first] = members
    if (first === undefined) return []
    const stage = stageOf(first)
    if (members.length === 1) return [alone(first, stage)]
    const title = `${members.length.toLocaleString('en-US')} tasks`
    return [{ key, title, status: first.actual_status, layer: stage, task_ids: members.map(({ task_id }) => task_id) }]
  })
  const single = tasks.filter(({ task_id: id }) => kept.has(id)).map((task) => alone(task, stageOf(task)))
  return withEdges(tasks, [...single, ...folded])
}

/** Another selection changes no layer, and of ten thousand tasks they take longer than a frame. */
const layersOfTasks = new WeakMap<readonly GraphTask[], ReadonlyMap<string, number>>()

function layersOf(tasks: readonly GraphTask[]): ReadonlyMap<string, number> {
  const layers = layersOfTasks.get(tasks) ?? taskLayers(tasks)
  layersOfTasks.set(tasks, layers)
  return layers
}

/** How many layers a stage has, so that stages by status are at most `nodesMax`. */
function spanOf(tasks: readonly GraphTask[], layerOf: (task: GraphTask) => number, nodesMax: number): number {
  const statuses = new Map<number, Set<TaskStatus>>()
  for (const task of tasks) {
    const layer = layerOf(task)
    const known = statuses.get(layer)
    if (known) known.add(task.actual_status)
    else statuses.set(layer, new Set([task.actual_status]))
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

const alone = ({ task_id: id, title, actual_status: status }: GraphTask, layer: number): GraphNode => ({
  key: id,
  title,
  status,
  layer,
  task_ids: [id],
})

function withEdges(tasks: readonly GraphTask[], nodes: readonly GraphNode[]): Graph {
  const numbers = new Map(nodes.flatMap(({ task_ids: ids }, number) => ids.map((id) => [id, number] as const)))
  /** Both numbers in one, which is quick to compare. */
  const pairs = new Set<number>()
  for (const { task_id: id, dependencies } of tasks) {
    const to = numbers.get(id)
    for (const dependency of dependencies) {
      const from = numbers.get(dependency)
      if (from !== undefined && to !== undefined && from !== to) pairs.add(from * nodes.length + to)
    }
  }
  const edges = [...pairs].slice(0, EDGES_DRAWN_MAX).flatMap((pair): GraphEdge[] => {
    const [from, to] = [nodes[Math.floor(pair / nodes.length)], nodes[pair % nodes.length]]
    return from && to ? [{ from: from.key, to: to.key }] : []
  })
  return { nodes, edges, edgesOmitted: pairs.size - edges.length }
}
