/** deed audit: the chains of the audit log are recomputed, or written out. */
import { counted } from '@deed/config/counted'
import type { Bus } from '@deed/mesh/bus'
import { exportAudit, verifyAudit } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { EXIT } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { jsonLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

/** Executions asked for at once. */
const VERIFY_PAGE = 1_000
const EXPORT_PAGE = 100

export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('check or export the audit log')
    .addHelpText('after', '\nExamples:\n  deed audit verify\n  deed audit export > audit.jsonl')
  audit
    .command('verify')
    .argument('[execution]', 'its id, or the end of it; all of them without it', idText)
    .description('recompute every hash, and name the first row that was changed')
    .addHelpText(
      'after',
      '\nExamples:\n  deed audit verify\n  deed audit verify 5f6a7b8c\n\nExit code 0: every row is as it was written. 1: one was changed.',
    )
    .action(async (execution: string | undefined, _: object, command: Command) => {
      const shell = shellOf(command)
      const sum = { executions: 0, rows: 0, anchors: 0 }
      await withMesh(shell, async (bus) => {
        let cursor: ExecutionId | undefined
        const id = await idOf(bus, execution)
        let anchor: { number: number; hash: string } | null = null
        for (;;) {
          const page = await bus.call(verifyAudit, {
            limit: VERIFY_PAGE,
            ...(id === undefined ? {} : { execution_id: id }),
            ...(cursor === undefined ? {} : { cursor }),
          })
          sum.executions += page.executions
          sum.rows += page.rows
          sum.anchors += page.anchors
          anchor ??= page.anchor
          const { broken, broken_anchor: brokenAnchor } = page
          if (broken || brokenAnchor || page.next_cursor === null) {
            shell.out.document({ ...sum, anchor, broken, broken_anchor: brokenAnchor })
            shell.out.print(
              broken
                ? `execution ${shownId(broken.execution_id)}: ${broken.why}`
                : brokenAnchor
                  ? `anchor ${brokenAnchor.number}: ${brokenAnchor.why}`
                  : `as written: ${counted(sum.rows, 'row')} of ${counted(sum.executions, 'execution')}, and ${counted(sum.anchors, 'anchor')}`,
            )
            if (!broken && !brokenAnchor && anchor) {
              shell.out.print(`newest anchor ${anchor.number}: ${anchor.hash}; keep it elsewhere to compare later`)
            }
            process.exitCode = broken || brokenAnchor ? EXIT.failed : EXIT.success
            return
          }
          cursor = page.next_cursor
        }
      })
    })
  audit
    .command('export')
    .argument('[execution]', 'its id, or the end of it; all of them without it', idText)
    .description('write every row with its hash, one JSON object on each line')
    .addHelpText('after', '\nExample:\n  deed audit export > audit.jsonl')
    .action(async (execution: string | undefined, _: object, command: Command) => {
      const shell = shellOf(command)
      await withMesh(shell, async (bus) => {
        const id = await idOf(bus, execution)
        for (let after: ExecutionId | undefined; ; ) {
          const { rows, next_after: next } = await exportPage(bus, id, after)
          for (const row of rows) process.stdout.write(`${jsonLine(row)}\n`)
          if (next === null) return
          after = next
        }
      })
    })
}

const idOf = async (bus: Bus, text: string | undefined): Promise<ExecutionId | undefined> =>
  text === undefined ? undefined : wholeId<ExecutionId>(bus, ['execution'], text)

const exportPage = (bus: Bus, id: ExecutionId | undefined, after: ExecutionId | undefined) =>
  bus.call(exportAudit, {
    limit: EXPORT_PAGE,
    ...(id === undefined ? {} : { execution_id: id }),
    ...(after === undefined ? {} : { after }),
  })
