/** The DAG as a tree: a task stands below the last of those that it waits for. */
import type { TaskView } from '@deed/proto/task'
import { duration } from './amounts.ts'
import { actionLines } from './approval.ts'
import { evidenceLines } from './evidence.ts'
import { type Paint, paintStatus } from './paint.ts'
import { plainLine } from './plain-text.ts'

export function taskTree(tasks: readonly TaskView[], paint: Paint, verbose = false): string {
  const positions = new Map(tasks.map(({ task_id: id }, position) => [id, position]))
  const parentOf = (task: TaskView): TaskView | undefined => {
    const known = task.dependencies.map((id) => positions.get(id)).filter((position) => position !== undefined)
    return known.length === 0 ? undefined : tasks[Math.max(...known)]
  }
  const children = new Map<TaskView | undefined, TaskView[]>()
  for (const task of tasks) {
    const parent = parentOf(task)
    children.set(parent, [...(children.get(parent) ?? []), task])
  }
  const lines: string[] = []
  const add = (task: TaskView, indent: string, last: boolean): void => {
    const below = children.get(task) ?? []
    const inner = `${indent}${last ? '   ' : '│  '}`
    lines.push(`${indent}${last ? '└─ ' : '├─ '}${headline(task, tasks, parentOf(task), paint)}`)
    for (const line of details(task, paint, verbose)) lines.push(`${inner}${below.length > 0 ? '│  ' : '   '}${line}`)
    below.forEach((child, index) => {
      add(child, inner, index === below.length - 1)
    })
  }
  const roots = children.get(undefined) ?? []
  roots.forEach((task, index) => {
    add(task, '', index === roots.length - 1)
  })
  return lines.join('\n')
}

function headline(task: TaskView, all: readonly TaskView[], parent: TaskView | undefined, paint: Paint): string {
  const { actual_status: status, desired_status: desired, title, task_kind: taskKind, action, level } = task
  const others = task.dependencies
    .map((id) => all.find((one) => one.task_id === id))
    .filter((one) => one !== undefined && one !== parent)
  const facts = [
    action === null ? taskKind : action.kind,
    ...(level > 0 ? [`level ${level}`] : []),
    ...(task.failures > 0 ? [`${task.failures} failed`] : []),
    ...(task.started_at !== null && task.finished_at !== null
      ? [duration(Date.parse(task.finished_at) - Date.parse(task.started_at))]
      : []),
    ...(others.length > 0 ? [`also after ${others.map((one) => one?.name).join(', ')}`] : []),
  ]
  // Where want and have are the same, one word says both.
  const want = status === desired ? '' : paint('dim', ` (wanted: ${desired})`)
  return `${paintStatus(paint, status)}${want} ${plainLine(title)}  ${paint('dim', facts.join(', '))}`
}

function details(task: TaskView, paint: Paint, verbose: boolean): string[] {
  return [
    ...(verbose && task.action ? actionLines(task.action) : []),
    ...(task.evidence ? evidenceLines(task.evidence, paint) : []),
    ...(task.error ? [`error     ${paint('red', task.error.code)}: ${plainLine(task.error.message)}`] : []),
  ]
}
