/** How far each task is from the beginning of its graph. */
import type { TaskView } from '@deed/proto/task'

export type GraphTask = Pick<TaskView, 'task_id' | 'title' | 'actual_status' | 'dependencies'>

/** By the place of a task in the list: to look up an id takes a thousand times as long. */
export interface TaskLayers {
  /** The longest way to each task from one without dependencies. */
  readonly layers: Uint32Array
  /** Those of each task; what is not in the list does not count. */
  readonly dependencies: readonly (readonly number[])[]
}

export function taskLayers(tasks: readonly GraphTask[]): TaskLayers {
  const places = new Map<string, number>(tasks.map(({ task_id: id }, place) => [id, place]))
  const dependencies = tasks.map(({ dependencies: ids }) => ids.flatMap((id) => places.get(id) ?? []))
  const followers: number[][] = tasks.map(() => [])
  for (const [place, before] of dependencies.entries()) for (const one of before) followers[one]?.push(place)
  const missing = dependencies.map(({ length }) => length)
  const layers = new Uint32Array(tasks.length)
  const ready = [...tasks.keys()].filter((place) => missing[place] === 0)
  for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
    const next = (layers[place] ?? 0) + 1
    for (const follower of followers[place] ?? []) {
      layers[follower] = Math.max(layers[follower] ?? 0, next)
      const left = (missing[follower] ?? 0) - 1
      missing[follower] = left
      if (left === 0) ready.push(follower)
    }
  }
  return { layers, dependencies }
}
