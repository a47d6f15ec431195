/** The DAG of an execution, or of a plan, as a Mermaid flowchart, to be pasted where Markdown is shown. */
import type { GoalNode, TaskView } from '@deed/proto/task'
import { plainLine } from '../terminal/plain-text.ts'

const TITLE_CHARS_MAX = 80

export function mermaidText(tasks: readonly TaskView[]): string {
  const names = new Map(tasks.map(({ task_id: id }, index) => [id, `t${index + 1}`]))
  return [
    'flowchart TD',
    ...tasks.map(({ task_id: id, title, actual_status: status }) => {
      return `  ${names.get(id)}["${label(title)}<br/>${status}"]:::${status}`
    }),
    ...tasks.flatMap(({ task_id: id, dependencies }) =>
      dependencies.flatMap((before) => {
        const from = names.get(before)
        return from === undefined ? [] : [`  ${from} --> ${names.get(id)}`]
      }),
    ),
    '  classDef done stroke:#2a2',
    '  classDef failed stroke:#c22',
    '  classDef blocked stroke:#c22',
    '  classDef undone stroke:#a80',
  ].join('\n')
}

/** The tasks of a plan in the boxes of their compounds; what only observes has round ends. */
export function planMermaid(nodes: readonly GoalNode[]): string {
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index + 1}`]))
  const lines = ['flowchart TD']
  const put = (parent: string | undefined, indent: string): void => {
    for (const { id, kind, title, verifies } of nodes.filter((node) => node.parent === parent)) {
      const name = names.get(id) ?? ''
      if (kind === 'task') lines.push(`${indent}${name}${verifies ? `(["${label(title)}"])` : `["${label(title)}"]`}`)
      else {
        lines.push(`${indent}subgraph ${name} ["${label(title)}"]`)
        put(id, `${indent}  `)
        lines.push(`${indent}end`)
      }
    }
  }
  put(undefined, '  ')
  for (const { id, kind, depends_on } of nodes) {
    if (kind === 'task') for (const before of depends_on) lines.push(`  ${names.get(before)} --> ${names.get(id)}`)
  }
  return lines.join('\n')
}

/** Text alone: nothing of it is taken for a part of the flowchart, or for HTML. */
const label = (title: string): string =>
  plainLine(title, TITLE_CHARS_MAX).replace(/[^\p{L}\p{N} .,:/_-]/gu, (character) => `#${character.codePointAt(0)};`)
