/** deed alerts: the rules that fire, and the silences. */
import { AlertName, listAlerts, type RuleState, silenceAlert, unsilenceAlert } from '@deed/proto/alert'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { type Column, table } from '../show/table.ts'
import { age, moment } from '../terminal/amounts.ts'
import { by, momentAhead } from '../terminal/options.ts'
import { plainLine } from '../terminal/plain-text.ts'

const nameOf = by(AlertName)

export function addAlerts(program: Command): void {
  const alerts = program
    .command('alerts')
    .summary('rules that fire, and silences')
    .description('Alert rules that fire or are about to, and silences.')
    .addHelpText(
      'after',
      `
Examples:
  deed alerts list
  deed alerts silence no-workers --for 2h --reason "new machine"
  deed alerts unsilence no-workers`,
    )
  alerts
    .command('list')
    .description('rules that fire or are about to, and silences')
    .addHelpText('after', '\nExample:\n  deed alerts list')
    .action(async (_options: object, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const reply = await withMesh(shell, (bus) => bus.call(listAlerts, {}))
      out.document(reply)
      const now = Date.now()
      const columns: Column<RuleState>[] = [
        { heading: 'ALERT', cell: ({ name }) => name },
        { heading: 'STATE', cell: ({ state, silenced }) => (silenced ? `${state}, silenced` : state) },
        { heading: 'SEVERITY', cell: ({ severity }) => severity, optional: true },
        { heading: 'OF', cell: ({ labels }) => Object.values(labels).join(' ') || '-', optional: true },
        { heading: 'VALUE', cell: ({ value }) => String(Number(value.toFixed(3))) },
        { heading: 'AGE', cell: ({ since }) => age(since, now) },
        { heading: 'WHAT TO DO', cell: ({ summary, runbook }) => `${summary} ${runbook}`, fills: true },
      ]
      if (reply.alerts.length === 0) out.note('no rule fires')
      else out.print(table(columns, reply.alerts, out.paint, out.width))
      for (const { name, until, reason, by: who } of reply.silences)
        out.print(
          plainLine(`${name} is silenced by ${who} until ${moment(until)}${reason === '' ? '' : `: ${reason}`}`),
        )
    })
  alerts
    .command('silence')
    .argument('<name>', 'of the alert, as deed alerts list has it', nameOf)
    .description('tell nobody of it for a while; what fires at the end is told then')
    .requiredOption('--for <time>', 'from now: 30m, 2h, 7d, or until 2026-11-21T08:00Z', momentAhead)
    .option('--reason <text>', 'shown with it')
    .addHelpText('after', '\nExample:\n  deed alerts silence no-workers --for 2h')
    .action(async (name: string, { for: until, reason }: { for: string; reason?: string }, command: Command) => {
      const shell = shellOf(command)
      const input = { name, until, ...(reason === undefined ? {} : { reason }) }
      const silence = await withMesh(shell, (bus) => bus.call(silenceAlert, input))
      shell.out.document(silence)
      shell.out.print(`${name} is silenced until ${moment(silence.until)}`)
    })
  alerts
    .command('unsilence')
    .argument('<name>', 'of the alert', nameOf)
    .description('end its silence')
    .addHelpText('after', '\nExample:\n  deed alerts unsilence no-workers')
    .action(async (name: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(unsilenceAlert, { name }))
      shell.out.document(reply)
      shell.out.print(reply.ended ? `the silence of ${name} has ended` : `${name} was not silenced`)
    })
}
