/**
 * Indexes of an execution's tasks, updated incrementally: ready, running, failed, to be undone.
 *
 * Scanning a graph of ten thousand tasks for every report would cost as many checks. Everything follows from the rows;
 * code that changes a row calls `moveTask`, which updates that row and its dependents only.
 */
import type { TaskId } from '@deed/proto/ids'
import type { Entry, Group, Progress, Ready, TaskRow } from './snapshot.ts'

/** An action that cannot be undone waits for a person, or a person has skipped it. */
const LEFT_TO_PEOPLE: ReadonlySet<TaskRow['actual_status']> = new Set(['blocked', 'skipped'])

export function progressOf(tasks: ReadonlyMap<TaskId, TaskRow>): Progress {
  const progress: Progress = {
    running: new Set(),
    ready: new Map(),
    failed: new Set(),
    undo: new Set(),
    counts: { pending: 0, blocked: 0, undone: 0 },
    undoOrder: undefined,
    entries: new Map(),
    dependents: new Map(),
  }
  enterTasks(progress, [...tasks.values()])
  return progress
}

/** Their dependencies may be among them, in any order, or come later. */
export function enterTasks(progress: Progress, tasks: readonly TaskRow[]): void {
  for (const task of tasks) {
    progress.entries.set(task.task_id, {
      open: 0,
      dependencies: [],
      satisfied: false,
      counted: undefined,
      group: undefined,
      undoAt: undefined,
    })
  }
  for (const task of tasks) moveTask(progress, task)
}

/** Must be called after each change of a task. */
export function moveTask(progress: Progress, task: TaskRow): void {
  const entry = progress.entries.get(task.task_id)
  if (!entry) throw new Error(`task ${task.name} was changed before it was entered`)
  if (entry.dependencies !== task.dependencies) relink(progress, task, entry)
  place(progress, task, entry)
  const satisfied = isSatisfied(task)
  if (satisfied === entry.satisfied) return
  entry.satisfied = satisfied
  for (const dependent of progress.dependents.get(task.task_id) ?? []) {
    const waiting = progress.entries.get(dependent.task_id)
    if (!waiting) continue
    waiting.open += satisfied ? -1 : 1
    place(progress, dependent, waiting)
  }
}

/** The newest effect that a worker can undo and that no other remaining effect depends on. */
export function nextToUndo(progress: Progress): TaskRow | undefined {
  progress.undoOrder ??= [...progress.undo]
    .filter(({ actual_status: status }) => !LEFT_TO_PEOPLE.has(status))
    .sort(oldestFirst)
  const order = progress.undoOrder
  for (let last = order.at(-1); last; last = order.at(-1)) {
    if (isToUndo(progress, last)) return restingOn(progress, last)
    order.pop()
  }
  return undefined
}

const isToUndo = ({ undo }: Progress, task: TaskRow): boolean =>
  undo.has(task) && !LEFT_TO_PEOPLE.has(task.actual_status)

/** Effects within the same millisecond are ordered by dependency. */
function restingOn(progress: Progress, task: TaskRow): TaskRow {
  let last = task
  for (let next: TaskRow | undefined = task; next; ) {
    last = next
    next = progress.dependents.get(last.task_id)?.find((dependent) => isToUndo(progress, dependent))
  }
  return last
}

export const readyTasks = (ready: Ready | undefined): TaskRow[] =>
  [...(ready?.values() ?? [])].flatMap((groups) => [...groups.values()].flatMap((group) => [...group]))

const isSatisfied = ({ actual_status: status }: TaskRow): boolean => status === 'done' || status === 'skipped'

function relink({ entries, dependents }: Progress, task: TaskRow, entry: Entry): void {
  const before = new Set(entry.dependencies)
  const after = new Set(task.dependencies)
  for (const id of after) {
    if (before.delete(id)) continue
    const waiting = dependents.get(id)
    if (waiting) waiting.push(task)
    else dependents.set(id, [task])
  }
  for (const id of before) {
    const waiting = dependents.get(id) ?? []
    const index = waiting.indexOf(task)
    if (index >= 0) waiting.splice(index, 1)
  }
  entry.dependencies = task.dependencies
  entry.open = [...after].filter((id) => !entries.get(id)?.satisfied).length
}

function place(progress: Progress, task: TaskRow, entry: Entry): void {
  const { actual_status: status, desired_status: desired } = task
  put(progress.running, task, status === 'in_progress')
  put(progress.failed, task, status === 'failed' && desired === 'done')
  const counted = status === 'pending' || status === 'blocked' || status === 'undone' ? status : undefined
  if (counted !== entry.counted) {
    if (entry.counted) progress.counts[entry.counted]--
    if (counted) progress.counts[counted]++
    entry.counted = counted
  }
  placeForUndo(progress, task, entry)
  const group = status === 'pending' && entry.open === 0 ? groupOf(task) : undefined
  if (group?.name === entry.group?.name && group?.priority === entry.group?.priority) return
  if (entry.group) leaveGroup(progress, task, entry.group)
  if (group) enterGroup(progress, task, group)
  entry.group = group
}

function placeForUndo(progress: Progress, task: TaskRow, entry: Entry): void {
  const { desired_status: desired, actual_status: status, effect } = task
  const undo = desired === 'undone' && effect !== 'none' && status !== 'undone'
  put(progress.undo, task, undo)
  const at = undo && !LEFT_TO_PEOPLE.has(status) ? newestOf(task) : undefined
  // A finished task is skipped in place.
  if (at !== entry.undoAt && at !== undefined) progress.undoOrder = undefined
  entry.undoAt = at
}

const newestOf = (task: TaskRow): string => task.finished_at ?? task.last_attempt ?? ''

/** By the time of the effect. */
export const oldestFirst = (one: TaskRow, other: TaskRow): number =>
  Date.parse(newestOf(one)) - Date.parse(newestOf(other)) || one.position - other.position

function put(set: Set<TaskRow>, task: TaskRow, belongs: boolean): void {
  if (belongs) set.add(task)
  else set.delete(task)
}

const groupOf = (task: TaskRow): Group => ({
  capability: task.capability,
  priority: task.priority,
  name: `${task.concurrency_key ?? ''}\n${task.resource_key ?? ''}\n${targetOf(task) ?? ''}`,
})

/** The target of a task's action. */
export function targetOf({ spec, task_kind }: TaskRow): string | undefined {
  const input = task_kind === 'act' ? spec?.input : undefined
  const target = typeof input === 'object' && input !== null && !Array.isArray(input) ? input.target : undefined
  return typeof target === 'string' ? target : undefined
}

function enterGroup({ ready }: Progress, task: TaskRow, { capability, priority, name }: Group): void {
  const byPriority = ready.get(capability) ?? new Map<number, Map<string, Set<TaskRow>>>()
  ready.set(capability, byPriority)
  const groups = byPriority.get(priority) ?? new Map<string, Set<TaskRow>>()
  byPriority.set(priority, groups)
  const group = groups.get(name)
  if (group) group.add(task)
  else groups.set(name, new Set([task]))
}

function leaveGroup({ ready }: Progress, task: TaskRow, { capability, priority, name }: Group): void {
  const groups = ready.get(capability)?.get(priority)
  const group = groups?.get(name)
  group?.delete(task)
  if (group?.size === 0) groups?.delete(name)
}
