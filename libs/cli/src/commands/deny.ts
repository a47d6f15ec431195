/** deed deny: refuse what would run. */
import type { Command } from 'commander'
import { decideOn } from '../decide-on.ts'
import { shellOf, withMesh } from '../shell.ts'

export function addDeny(program: Command): void {
  program
    .command('deny <id>')
    .description('refuse an approval, or the one that an execution waits for; nothing of it runs')
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText('after', '\nExample:\n  deed deny 01997d0e-... --reason "not on a Friday"')
    .action(async (id: string, options: { reason?: string }, command: Command) => {
      const shell = shellOf(command)
      await withMesh(shell, (bus) => decideOn(shell.out, bus, id, { decision: 'deny', ...options }))
    })
}
