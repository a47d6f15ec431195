/** deed cancel: executions are stopped. */
import { cancelExecution } from '@deed/proto/execution'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../shell.ts'
import { paintStatus } from '../show/paint.ts'
import { addScope, isMany, type Scope, steerMany } from '../steer-many.ts'
import { idOf } from './show.ts'

interface CancelOptions extends Scope {
  undo?: boolean
  reason?: string
}

export function addCancel(program: Command): void {
  addScope(
    program
      .command('cancel [executions...]')
      .description('stop executions; what was done stays done unless --undo is given'),
  )
    .option('--undo', 'undo what was done')
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText(
      'after',
      '\nExamples:\n  deed cancel 01997d0e-... --undo --reason "wrong service"\n  deed cancel --all',
    )
    .action(async (executions: string[], { undo = false, reason, ...scope }: CancelOptions, command: Command) => {
      const shell = shellOf(command)
      const wish = { undo, ...(reason === undefined ? {} : { reason }) }
      await withMesh(shell, async (bus) => {
        if (isMany(executions, scope)) return steerMany(shell.out, bus, executions, scope, { verb: 'cancel', ...wish })
        const reply = await bus.call(cancelExecution, { execution_id: idOf(executions[0] ?? ''), ...wish })
        shell.out.document(reply)
        shell.out.print(`${reply.execution_id}  ${paintStatus(shell.out.paint, reply.status)}`)
      })
    })
}
