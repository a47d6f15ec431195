/** deed cancel: an execution is stopped. */
import { cancelExecution } from '@deed/proto/execution'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../shell.ts'
import { paintStatus } from '../show/paint.ts'
import { idOf } from './show.ts'

export function addCancel(program: Command): void {
  program
    .command('cancel <execution>')
    .description('stop an execution; what was done stays done unless --undo is given')
    .option('--undo', 'undo what was done')
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText('after', '\nExample:\n  deed cancel 01997d0e-... --undo --reason "wrong service"')
    .action(
      async (execution: string, { undo = false, reason }: { undo?: boolean; reason?: string }, command: Command) => {
        const shell = shellOf(command)
        const input = { execution_id: idOf(execution), undo, ...(reason === undefined ? {} : { reason }) }
        const reply = await withMesh(shell, (bus) => bus.call(cancelExecution, input))
        shell.out.document(reply)
        shell.out.print(`${reply.execution_id}  ${paintStatus(shell.out.paint, reply.status)}`)
      },
    )
}
