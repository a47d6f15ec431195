/** deed pause, resume and retry: an execution holds still, goes on, or is tried again. */
import { pauseExecution, resumeExecution, retryExecution } from '@deed/proto/execution'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../shell.ts'
import { paintStatus } from '../show/paint.ts'
import { addScope, isMany, type Scope, steerMany } from '../steer-many.ts'
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

interface SteerOptions extends Scope {
  reason?: string
}

export function addSteering(program: Command): void {
  for (const { verb, contract, description } of VERBS) {
    addScope(program.command(`${verb} [executions...]`).description(description))
      .option('--reason <text>', 'kept in the audit log')
      .addHelpText(
        'after',
        `\nExamples:\n  deed ${verb} 01997d0e-... --reason "maintenance"\n  deed ${verb} --target demo-api`,
      )
      .action(async (executions: string[], { reason, ...scope }: SteerOptions, command: Command) => {
        const shell = shellOf(command)
        const why = reason === undefined ? {} : { reason }
        await withMesh(shell, async (bus) => {
          if (isMany(executions, scope)) return steerMany(shell.out, bus, executions, scope, { verb, ...why })
          const reply = await bus.call(contract, { execution_id: idOf(executions[0] ?? ''), ...why })
          shell.out.document(reply)
          shell.out.print(`${reply.execution_id}  ${paintStatus(shell.out.paint, reply.status)}`)
        })
      })
  }
}
