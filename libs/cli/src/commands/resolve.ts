/** deed resolve: a person decides about a task of theirs, and the work continues. */
import { decideApproval } from '@deed/proto/approval'
import type { ApprovalId } from '@deed/proto/ids'
import { PersonDecision } from '@deed/proto/person'
import { Argument, type Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { json } from '../terminal/options.ts'
import { paintStatus } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'

/** `deed choose` answers questions. */
const DECISIONS = PersonDecision.exclude(['choose']).options

interface ResolveOptions {
  result?: string
  data?: never
  reason?: string
}

export function addResolve(program: Command): void {
  program
    .command('resolve')
    .argument('<review>', 'as deed get reviews lists it', idText)
    .addArgument(new Argument('<decision>', 'what is to be done').choices(DECISIONS))
    .summary('decide about a task that waits for a person')
    .description('Decide about a task that waits for a person.')
    .option('--result <text>', 'with provide: what was done or found')
    .option('--data <json>', 'with provide: the same as data', json)
    .option('--reason <text>', 'kept in the audit log')
    .addHelpText(
      'after',
      `
retry    try it again
replan   ask a model for other actions; what is done stays done
skip     go on without it; of an undo: leave it as it is
provide  a person did it, and signs for the result; of an undo: it is undone
cancel   give up the execution, and undo what it did; of a goal: end the goal
deny     nobody does what was asked for: the execution is denied

Examples:
  deed resolve 5f6a7b8c retry --reason "the disk has room again"
  deed resolve 5f6a7b8c provide --result "the seals hold"`,
    )
    .action(
      async (text: string, decision: PersonDecision, { result, data, reason }: ResolveOptions, command: Command) => {
        if (data !== undefined && result === undefined) throw new UsageError('--data goes with --result')
        const shell = shellOf(command)
        const reply = await withMesh(shell, async (bus) =>
          bus.call(decideApproval, {
            approval_id: await wholeId<ApprovalId>(bus, ['approval'], text),
            decision,
            ...(reason === undefined ? {} : { reason }),
            ...(result === undefined ? {} : { result: { text: result, ...(data === undefined ? {} : { data }) } }),
          }),
        )
        shell.out.document(reply)
        shell.out.print(`${paintStatus(shell.out.paint, reply.status)}  execution ${shownId(reply.execution_id)}`)
      },
    )
}
