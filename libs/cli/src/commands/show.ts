/** deed show: one execution, whole. */
import { listApprovals } from '@deed/proto/approval'
import { getExecution, IdempotencyKey } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { approvalText } from '../show/approval.ts'
import { executionText } from '../show/execution.ts'
import { mermaidText } from '../show/mermaid.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { by, count } from '../terminal/options.ts'
import { wholeExecution } from '../terminal/whole.ts'

interface Options {
  key?: string
  sequence?: number
  verbose?: boolean
  full?: boolean
  mermaid?: boolean
}

export function addShow(program: Command): void {
  program
    .command('show')
    .argument('[execution]', 'its id, or the end of it', idText)
    .summary('an execution: its tasks, and what proves them')
    .description('Show an execution: its tasks as a tree, with claim, observation and evidence.')
    .option('--key <key>', 'the execution with this idempotency key', by(IdempotencyKey))
    .option('--sequence <number>', 'the execution that deed submit gave this number', count)
    .option('-v, --verbose', 'with arguments and timeline')
    .option('--full', 'all tasks and the whole timeline, however long')
    .option('--mermaid', 'only the graph of tasks, as a Mermaid flowchart')
    .addHelpText(
      'after',
      `
Examples:
  deed show 5f6a7b8c
  deed show --key nightly-2026-11-21 -v
  deed show 5f6a7b8c --full --mermaid > graph.mmd`,
    )
    .action(
      async (
        execution: string | undefined,
        { key, sequence, verbose = false, full = false, mermaid = false }: Options,
        command: Command,
      ) => {
        if ([execution, key, sequence].filter((given) => given !== undefined).length !== 1) {
          throw new UsageError('name one execution: by its id, by --key or by --sequence')
        }
        const shell = shellOf(command)
        const { detail, waiting } = await withMesh(shell, async (bus) => {
          const found = await bus.call(getExecution, {
            ...(execution === undefined
              ? {}
              : { execution_id: await wholeId<ExecutionId>(bus, ['execution'], execution) }),
            ...(key === undefined ? {} : { idempotency_key: key }),
            ...(sequence === undefined ? {} : { sequence }),
          })
          const detail = full ? await wholeExecution(bus, found) : found
          if (detail.approval_id === undefined) return { detail, waiting: [] }
          const asked = { execution_id: detail.execution_id, status: 'pending' as const }
          return { detail, waiting: (await bus.call(listApprovals, asked)).approvals }
        })
        shell.out.document(detail)
        if (mermaid) {
          shell.out.print(mermaidText(detail.tasks))
          if (detail.omitted?.tasks) shell.out.note(`and ${detail.omitted.tasks} more tasks: --full`)
          return
        }
        shell.out.print(executionText(detail, shell.out.paint, verbose))
        for (const approval of waiting) shell.out.print(`\n${approvalText(approval, shell.out.paint)}`)
      },
    )
}
