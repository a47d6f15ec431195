/** deed explain: how the words of a task are understood, without doing anything. */
import { type AgentReply, type Explanation, explainTask } from '@deed/proto/agent'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { table } from '../show/table.ts'
import type { Output } from '../terminal/output.ts'

export function addExplain(program: Command): void {
  program
    .command('explain <task>')
    .summary('how the words of a task are understood; nothing is done')
    .description(
      'How the words of a task are understood: what each stage made of them, the readings, and what is unexplained.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  deed explain "demo-api is stuck, restart it"\n  deed explain --json "restart the service"',
    )
    .action(async (task: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const reply = await withMesh(shell, (bus) => bus.call(explainTask, { task }))
      out.document(reply)
      out.print(outcomeText(reply))
      if (reply.explanation) out.print(explanationText(reply.explanation, out))
    })
}

function outcomeText(reply: AgentReply): string {
  switch (reply.outcome) {
    case 'handled': {
      const { reading, actions } = reply.solution
      return reading ? `understood as: ${reading.text}` : actions.map(({ title }) => title).join('\n')
    }
    case 'asks':
      return [reply.question.text, ...reply.question.options.map(({ reading }) => `  ${reading}`)].join('\n')
    case 'declined': {
      const { message, suggestions = [] } = reply
      return suggestions.length === 0 ? message : `${message}\nTry: ${suggestions.join('; ')}`
    }
    case 'refused':
      return reply.error.message
  }
}

function explanationText({ normalised, stages, candidates, unexplained }: Explanation, out: Output): string {
  const { paint, width } = out
  const parts = [
    `Words: ${normalised}`,
    table(
      [
        { heading: 'STAGE', cell: ({ stage }) => stage },
        { heading: 'OUTCOME', cell: ({ outcome }) => outcome.replaceAll('_', ' ') },
        { heading: 'REASON', cell: ({ reason }) => reason, fills: true },
      ],
      stages,
      paint,
      width,
    ),
  ]
  if (candidates.length > 0)
    parts.push(
      table(
        [
          { heading: 'RULE', cell: ({ rule }) => rule },
          { heading: 'READING', cell: ({ reading }) => reading },
          { heading: 'CONFIDENCE', cell: ({ confidence }) => confidence.toFixed(3) },
          { heading: 'SLOTS', cell: ({ slots }) => slotsText(slots), fills: true },
        ],
        candidates,
        paint,
        width,
      ),
    )
  if (unexplained.length > 0) parts.push(`Unexplained: ${unexplained.join(', ')}`)
  return `\n${parts.join('\n\n')}`
}

const slotsText = (slots: Readonly<Record<string, string>>): string =>
  Object.entries(slots)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')
