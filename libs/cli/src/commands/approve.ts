/** deed approve: agree to what would run. */
import type { Command } from 'commander'
import { decideOn } from '../decide-on.ts'
import { shellOf, withMesh } from '../shell.ts'

export function addApprove(program: Command): void {
  program
    .command('approve <id>')
    .description('agree to an approval, or to the one that an execution waits for')
    .option('--reason <text>', 'kept in the audit log')
    .option('--plan-hash <hash>', 'what was looked at; refused where the plan is another by now')
    .addHelpText('after', '\nExamples:\n  deed get approvals --status pending\n  deed approve 01997d0e-...')
    .action(async (id: string, options: { reason?: string; planHash?: string }, command: Command) => {
      const shell = shellOf(command)
      await withMesh(shell, (bus) => decideOn(shell.out, bus, id, { decision: 'approve', ...options }))
    })
}
