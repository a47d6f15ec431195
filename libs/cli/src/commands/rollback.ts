/** deed rollback: what an execution did is undone, and seen to be undone. */
import { ExecutionReply, getExecution, rollbackExecution } from '@deed/proto/execution'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { followExecution } from '../follow-execution.ts'
import { timeoutOption } from '../options.ts'
import { shellOf, withMesh } from '../shell.ts'
import { replyText } from '../show/execution.ts'
import { plainLine } from '../show/plain-text.ts'
import { idOf } from './show.ts'

const TIMEOUT_MS = 120_000

export function addRollback(program: Command): void {
  program
    .command('rollback <execution>')
    .description('undo what an ended execution did, in reverse order, each step verified')
    .option('--reason <text>', 'kept in the audit log')
    .addOption(timeoutOption('how long to wait for the end of it', TIMEOUT_MS))
    .addHelpText(
      'after',
      '\nExample:\n  deed rollback 01997d0e-... --reason "customer asked"\n\nExit code 0: everything is undone.',
    )
    .action(async (execution: string, { reason, timeout }: { reason?: string; timeout: number }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const id = idOf(execution)
      await withMesh(shell, async (bus) => {
        await bus.call(rollbackExecution, { execution_id: id, ...(reason === undefined ? {} : { reason }) })
        const watcher = {
          onEvent: ({ status, percent, current }: { status: string; percent: number; current: string | null }) =>
            out.progress(`${status} ${percent} %${current === null ? '' : `  ${plainLine(current)}`}`),
        }
        const end = await followExecution(bus, { execution_id: id }, watcher, AbortSignal.timeout(timeout))
        const reply = ExecutionReply.parse(end ?? (await bus.call(getExecution, { execution_id: id })))
        out.document(reply)
        out.print(replyText(reply, out.paint))
        process.exitCode = reply.status === 'rolled_back' ? EXIT.success : EXIT.failed
      })
    })
}
