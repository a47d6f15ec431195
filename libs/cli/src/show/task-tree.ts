/** The DAG as a tree: a task is shown below the last of those that it waits for. */

import type { TaskView } from '@deed/proto/task'
import { exposedLine } from '@deed/text/exposed-text'
import { duration } from '../terminal/amounts.ts'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { actionLines } from './approval.ts'
import { evidenceLines } from './evidence.ts'

/** Below this a task is shown no further to the right: a chain of thousands remains readable, and takes room line by line. */
const DEPTH_MAX = 20

export function taskTree(tasks: readonly TaskView[], paint: Paint, verbose = false): string {
  const positions = new Map(tasks.map(({ task_id: id }, position) => [id, position]))
  const parents = new Map<TaskView, TaskView>()
  const children = new Map<TaskView | undefined, TaskView[]>()
  for (const task of tasks) {
    const known = task.dependencies.map((id) => positions.get(id)).filter((position) => position !== undefined)
    const parent = tasks[known.reduce((one, other) => Math.max(one, other), -1)]
    if (parent) parents.set(task, parent)
    const siblings = children.get(parent)
    if (siblings) siblings.push(task)
    else children.set(parent, [task])
  }
  const nameOf = (id: TaskView['task_id']): string[] => {
    const task = tasks[positions.get(id) ?? -1]
    return task ? [task.name] : []
  }
  const lines: string[] = []
  // What is still to be shown, the next one last.
  const open: Place[] = []
  const put = (parent: TaskView | undefined, indent: string, depth: number): void => {
    const below = children.get(parent) ?? []
    for (let index = below.length - 1; index >= 0; index--) {
      const task = below[index]
      if (task) open.push({ task, indent, depth, last: index === below.length - 1 })
    }
  }
  put(undefined, '', 1)
  for (let place = open.pop(); place; place = open.pop()) {
    const { task, indent, depth, last } = place
    const hasBelow = children.has(task)
    const deeper = depth < DEPTH_MAX
    const above = depth > DEPTH_MAX ? undefined : parents.get(task)
    const others = task.dependencies.filter((id) => id !== above?.task_id).flatMap(nameOf)
    const inner = `${indent}${last && (deeper || !hasBelow) ? '   ' : '│  '}`
    lines.push(`${indent}${last && (deeper || !hasBelow) ? '└─ ' : '├─ '}${headline(task, others, above, paint)}`)
    for (const line of details(task, paint, verbose)) {
      lines.push(`${inner}${hasBelow && deeper ? '│  ' : '   '}${line}`)
    }
    put(task, deeper ? inner : indent, depth + 1)
  }
  return lines.join('\n')
}

interface Place {
  readonly task: TaskView
  readonly indent: string
  readonly depth: number
  readonly last: boolean
}

function headline(task: TaskView, others: readonly string[], above: TaskView | undefined, paint: Paint): string {
  const { actual_status: status, desired_status: desired, title, task_kind: taskKind, action, level } = task
  const facts = [
    action === null ? taskKind : action.kind,
    ...(level > 0 ? [`level ${level}`] : []),
    ...(task.failures > 0 ? [`${task.failures} failed`] : []),
    ...(task.started_at !== null && task.finished_at !== null
      ? [duration(Date.parse(task.finished_at) - Date.parse(task.started_at))]
      : []),
    ...(others.length > 0 ? [`${above ? 'also ' : ''}after ${others.map((name) => plainLine(name)).join(', ')}`] : []),
  ]
  // Where want and have are the same, one word says both.
  const want = status === desired ? '' : paint('dim', ` (wanted: ${desired})`)
  return `${paintStatus(paint, status)}${want} ${exposedLine(title)}  ${paint('dim', facts.join(', '))}`
}

function details(task: TaskView, paint: Paint, verbose: boolean): string[] {
  return [
    ...(verbose && task.action ? actionLines(task.action) : []),
    ...(task.evidence ? evidenceLines(task.evidence, paint) : []),
    ...(task.undo_evidence ? ['then undone', ...evidenceLines(task.undo_evidence, paint)] : []),
    ...(task.error ? [`error     ${paint('red', task.error.code)}: ${plainLine(task.error.message)}`] : []),
  ]
}
