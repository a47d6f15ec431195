/** deed approve and deed deny: agree to what would run, or refuse it. */
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { type Decision, decideOn, decideOnAll } from '../following/decide-on.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { levelToTwo } from '../terminal/options.ts'

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
    .summary('show what would run, and approve it')
    .description(
      'Show what would run, and approve it: one approval, or all that an execution\nwaits for. An id may be given by its end.',
    )
    .option('--plan-hash <hash>', 'what was seen; refused where the plan has changed')
    .option('-y, --yes', 'approve without the question')
    .addHelpText(
      'after',
      `
Examples:
  deed get approvals --status pending
  deed approve 5f6a7b8c
  deed approve --all --level 1
  deed approve 5f6a7b8c --plan-hash 5f3c... --reason "as discussed"`,
    )
}

export function addDeny(program: Command): void {
  withAll(program.command('deny [id]'), 'deny')
    .summary('refuse it; nothing of it runs')
    .description('Refuse an approval, or all that an execution waits for. Nothing of it runs.')
    .addHelpText(
      'after',
      '\nExamples:\n  deed deny 5f6a7b8c --reason "not on a Friday"\n  deed deny --all --level 2 --reason "maintenance"',
    )
}

function withAll(command: Command, decision: Decision['decision']): Command {
  return command
    .option('--reason <text>', 'kept in the audit log')
    .option('--full', 'show every step, however many')
    .option('--all', 'all that wait, up to --level')
    .option('--level <level>', 'of --all: 1 or 2; level 3 is decided one by one', levelToTwo, 1)
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
