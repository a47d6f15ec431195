/** deed pause, resume and retry: an execution holds still, goes on, or is tried again. */
import { pauseExecution, resumeExecution, retryExecution } from '@deed/proto/execution'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../shell.ts'
import { paintStatus } from '../show/paint.ts'
import { idOf } from './show.ts'

const VERBS = [
  { verb: 'pause', contract: pauseExecution, description: 'hand nothing more out for an execution; what runs, ends' },
  { verb: 'resume', contract: resumeExecution, description: 'go on with a paused execution' },
  {
    verb: 'retry',
    contract: retryExecution,
    description: 'try again what failed, was cancelled or undone, keeping what is done and what was agreed to',
  },
] as const

export function addSteering(program: Command): void {
  for (const { verb, contract, description } of VERBS) {
    program
      .command(`${verb} <execution>`)
      .description(description)
      .option('--reason <text>', 'kept in the audit log')
      .addHelpText('after', `\nExample:\n  deed ${verb} 01997d0e-... --reason "maintenance"`)
      .action(async (execution: string, { reason }: { reason?: string }, command: Command) => {
        const shell = shellOf(command)
        const input = { execution_id: idOf(execution), ...(reason === undefined ? {} : { reason }) }
        const reply = await withMesh(shell, (bus) => bus.call(contract, input))
        shell.out.document(reply)
        shell.out.print(`${reply.execution_id}  ${paintStatus(shell.out.paint, reply.status)}`)
      })
  }
}
