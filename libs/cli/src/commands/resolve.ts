/** deed resolve: a person decides about a task of theirs, and the work goes on. */

import { decideApproval } from '@deed/proto/approval'
import { ApprovalId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { PersonDecision } from '@deed/proto/person'
import type { Command } from 'commander'
import { UsageError } from '../exit-code.ts'
import { by, json } from '../options.ts'
import { shellOf, withMesh } from '../shell.ts'
import { paintStatus } from '../show/paint.ts'

interface ResolveOptions {
  result?: string
  data?: never
  reason?: string
}

export function addResolve(program: Command): void {
  program
    .command('resolve')
    .argument('<review>', 'as `deed get reviews` lists it', by(ApprovalId))
    .argument('<decision>', PersonDecision.options.join(', '), by(PersonDecision))
    .description('decide about a task that waits for a person')
    .option('--result <text>', 'with provide: what was done or found')
    .option('--data <json>', 'with provide: the same as data', json)
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText(
      'after',
      `
retry    try it again
skip     go on without it; of an undo: leave it as it is
provide  a person did it, and signs for the result; of an undo: a person brought it back
cancel   give the execution up, and undo what it did; of a goal: keep it no longer
deny     nobody does what was asked for: the execution is denied

Examples:
  deed resolve 01997d0e-... retry --reason "the disk has room again"
  deed resolve 01997d0e-... provide --result "the seals hold"`,
    )
    .action(
      async (
        id: ApprovalId,
        decision: PersonDecision,
        { result: text, data, reason }: ResolveOptions,
        command: Command,
      ) => {
        if (data !== undefined && text === undefined) throw new UsageError('--data goes with --result')
        const shell = shellOf(command)
        const reply = await withMesh(shell, (bus) =>
          bus.call(decideApproval, {
            approval_id: id,
            decision,
            ...defined({ reason }),
            ...(text === undefined ? {} : { result: { text, ...defined({ data }) } }),
          }),
        )
        shell.out.document(reply)
        shell.out.print(`${paintStatus(shell.out.paint, reply.status)}  execution ${reply.execution_id}`)
      },
    )
}
