/** The DAG of an execution as a Mermaid flowchart, to be pasted where Markdown is shown. */
import type { TaskView } from '@deed/proto/task'
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

/** Text alone: nothing of it is taken for a part of the flowchart, or for HTML. */
const label = (title: string): string =>
  plainLine(title, TITLE_CHARS_MAX).replace(/[^\p{L}\p{N} .,:/_-]/gu, (character) => `#${character.codePointAt(0)};`)
