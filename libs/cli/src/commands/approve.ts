/** deed approve and deed deny: agree to what would run, or refuse it. */
import type { Command } from 'commander'
import { type Decision, decideOn, decideOnAll } from '../decide-on.ts'
import { UsageError } from '../exit-code.ts'
import { levelToTwo } from '../options.ts'
import { shellOf, withMesh } from '../shell.ts'

interface Options {
  reason?: string
  planHash?: string
  all?: boolean
  level: 1 | 2
  yes?: boolean
  full?: boolean
}

export function addApprove(program: Command): void {
  withAll(program.command('approve [id]'), 'approve')
    .description('look at what would run, and agree to it: an approval, or all that an execution waits for by now')
    .option('--plan-hash <hash>', 'what was looked at; refused where the plan is another by now')
    .option('-y, --yes', 'it need not be asked for at the terminal')
    .addHelpText(
      'after',
      `
Examples:
  deed get approvals --status pending
  deed approve 01997d0e-...
  deed approve --all --level 1
  deed approve 01997d0e-... --plan-hash 5f3c... --reason "as discussed"`,
    )
}

export function addDeny(program: Command): void {
  withAll(program.command('deny [id]'), 'deny')
    .description('refuse an approval, or all that an execution waits for by now; nothing of it runs')
    .addHelpText(
      'after',
      '\nExamples:\n  deed deny 01997d0e-... --reason "not on a Friday"\n  deed deny --all --level 2 --reason "maintenance"',
    )
}

function withAll(command: Command, decision: Decision['decision']): Command {
  return command
    .option('--reason <text>', 'kept in the audit log')
    .option('--full', 'show every step, of hundreds too')
    .option('--all', 'all that wait, up to --level')
    .option('--level <level>', '1 or 2, for --all; level 3 is decided step by step', levelToTwo, 1)
    .action(async (id: string | undefined, { all = false, level, ...rest }: Options, self: Command) => {
      if (all === (id !== undefined)) throw new UsageError('name one approval, or say --all')
      const shell = shellOf(self)
      await withMesh(shell, (bus) =>
        id === undefined
          ? decideOnAll(shell.out, bus, level, { decision, ...rest })
          : decideOn(shell.out, bus, id, { decision, ...rest }),
      )
    })
}
