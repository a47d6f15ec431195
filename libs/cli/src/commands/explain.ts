/** deed explain: how the words of a task are understood and how it is divided, without doing anything. */
import { type AgentReply, type Explanation, explainTask } from '@deed/proto/agent'
import { explainPlan } from '@deed/proto/task'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { planMermaid } from '../show/mermaid.ts'
import { planTree } from '../show/plan-tree.ts'
import { table } from '../show/table.ts'
import type { Output } from '../terminal/output.ts'

export function addExplain(program: Command): void {
  program
    .command('explain <task>')
    .summary('how the words of a task are understood; nothing is done')
    .description(
      'How the words of a task are understood: what each stage made of them, the readings, and what is unexplained; and how a task of several parts is divided.',
    )
    .option('--mermaid', 'only the tasks that it is divided into, as a Mermaid flowchart')
    .addHelpText(
      'after',
      `
Examples:
  deed explain "demo-api is stuck, restart it"
  deed explain --json "restart the service"
  deed explain "create a crud for orders, then restart demo-api"
  deed explain --mermaid "stop demo-api, then start it again" > plan.mmd`,
    )
    .action(async (task: string, { mermaid = false }: { mermaid?: boolean }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const [reply, plan] = await withMesh(shell, (bus) =>
        Promise.all([bus.call(explainTask, { task }), bus.call(explainPlan, { task })]),
      )
      out.document({ ...reply, plan })
      if (mermaid) return out.print(planMermaid(plan.nodes))
      const divided = plan.nodes.length > 1
      if (divided) out.print(planTree(plan.nodes, out.paint))
      // Of several parts, each is understood by itself.
      if (divided && reply.outcome === 'declined') return
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
