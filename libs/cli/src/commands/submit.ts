/** deed submit: a task, handed in durably; nobody waits. */
import { intakeStream, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { UnreachableError } from '../terminal/exit-code.ts'
import { addRequestOptions, type RequestOptions, requestOf } from './run.ts'

export function addSubmit(program: Command): void {
  addRequestOptions(
    program
      .command('submit <task>')
      .summary('record a task durably, and do not wait')
      .description('Record a task durably, and do not wait. What is acknowledged is done.'),
  )
    .addHelpText(
      'after',
      `
Examples:
  deed submit --key nightly-2026-11-21 "full health check"
  deed show --key nightly-2026-11-21
  deed show --sequence 7`,
    )
    .action(async (task: string, options: RequestOptions, command: Command) => {
      const shell = shellOf(command)
      await withMesh(shell, async (bus) => {
        const payload = JSON.stringify(requestOf(task, options))
        const acknowledged = await bus.nc
          .jetstream()
          // The key is in the request. As a message id the server would drop another request under it without a word.
          .publish(SUBMIT_SUBJECT, payload)
          .catch((cause: unknown) => {
            const stream = intakeStream(LOCAL.tenant)
            throw new UnreachableError(
              `the task was not recorded: is there a stream ${stream}, and room on the disk of NATS? See \`deed doctor\``,
              { cause },
            )
          })
        const { stream, seq: sequence } = acknowledged
        shell.out.document({ stream, sequence, idempotency_key: options.key ?? null })
        shell.out.print(
          `recorded: sequence ${sequence} of ${stream}\nSee it with\n  ${deedCommand(`show --sequence ${sequence}`)}`,
        )
      })
    })
}
