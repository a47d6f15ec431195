/** deed choose: say what the words of a task mean, where they have several meanings. */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId } from '@deed/proto/ids'
import { chooseReading } from '@deed/proto/person'
import type { Command } from 'commander'
import type { z } from 'zod'
import { shellOf, withMesh } from '../connect/shell.ts'
import { askToChoose, optionOf } from '../following/ask-to-choose.ts'
import { findQuestion } from '../following/find-question.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import type { Output } from '../terminal/output.ts'
import { paintStatus } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'

export function addChoose(program: Command): void {
  program
    .command('choose')
    .argument('<question>', 'its id, or that of its execution', idText)
    .argument('[reading]', 'its number, or its id')
    .summary('say what the words of a task mean')
    .description(
      'Say what the words of a task mean: one of the readings that are shown, or the\ntask in other words. What needs approval is asked for afterwards.',
    )
    .option('--words <text>', 'the task in other words')
    .addHelpText(
      'after',
      `
Examples:
  deed get approvals
  deed choose 5f6a7b8c
  deed choose 5f6a7b8c 1
  deed choose 5f6a7b8c --words "restart demo-api"`,
    )
    .action(async (text: string, reading: string | undefined, { words }: { words?: string }, command: Command) => {
      if (reading !== undefined && words !== undefined) throw new UsageError('name a reading, or give --words')
      const shell = shellOf(command)
      const { out } = shell
      await withMesh(shell, async (bus) => {
        const id = await wholeId<ApprovalId>(bus, ['approval', 'execution'], text)
        const task = await findQuestion(bus, id)
        const approval_id = task?.approval_id ?? id
        if (words !== undefined) return answer(out, bus, { approval_id, words })
        if (reading !== undefined) {
          const option = (task?.question && optionOf(task.question, reading)) ?? reading
          return answer(out, bus, { approval_id, option })
        }
        if (!task) throw new DeedError('not_found', 'no question waits there; `deed get approvals` lists them')
        if (!(await askToChoose(out, bus, task, new AbortController().signal))) process.exitCode = EXIT.failed
      })
    })
}

async function answer(out: Output, bus: Bus, said: z.input<typeof chooseReading.input>): Promise<void> {
  const reply = await bus.call(chooseReading, said)
  out.document(reply)
  out.print(`${paintStatus(out.paint, reply.status)}  execution ${shownId(reply.execution_id)}`)
  // New words may be asked about, and what is chosen may need approval.
  if (reply.status === 'waiting')
    out.note(`It waits. See what for with\n  ${deedCommand(`show ${shownId(reply.execution_id)}`)}`)
}
