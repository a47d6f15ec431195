/** How far each task is from the beginning of its graph. */
import type { TaskView } from '@deed/proto/task'

export type GraphTask = Pick<TaskView, 'task_id' | 'title' | 'actual_status' | 'dependencies'>

/** The longest way to each task from one without dependencies; those that are not here do not count. */
export function taskLayers(tasks: readonly GraphTask[]): Map<string, number> {
  const layers = new Map<string, number>(tasks.map(({ task_id }) => [task_id, 0]))
  const followers = new Map<string, string[]>()
  const missing = new Map<string, number>()
  for (const { task_id: id, dependencies } of tasks) {
    const here = dependencies.filter((dependency) => layers.has(dependency))
    missing.set(id, here.length)
    for (const dependency of here) {
      const known = followers.get(dependency)
      if (known) known.push(id)
      else followers.set(dependency, [id])
    }
  }
  const ready = tasks.filter(({ task_id }) => missing.get(task_id) === 0).map(({ task_id }) => task_id as string)
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const next = (layers.get(id) ?? 0) + 1
    for (const follower of followers.get(id) ?? []) {
      layers.set(follower, Math.max(layers.get(follower) ?? 0, next))
      const left = (missing.get(follower) ?? 0) - 1
      missing.set(follower, left)
      if (left === 0) ready.push(follower)
    }
  }
  return layers
}
