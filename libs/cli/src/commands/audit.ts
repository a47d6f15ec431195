/** deed audit: the chains of the audit log are recomputed, or written out. */

import type { Bus } from '@deed/mesh/bus'
import { exportAudit, verifyAudit } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { shellOf, withMesh } from '../shell.ts'
import { jsonLine } from '../show/plain-text.ts'
import { idOf } from './show.ts'

/** Executions asked for at once. */
const VERIFY_PAGE = 1_000
const EXPORT_PAGE = 100

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('check or export the audit log')
  audit
    .command('verify [execution]')
    .description('recompute every hash; name the first row that is not as it was written')
    .addHelpText('after', '\nExample:\n  deed audit verify\n\nExit code 0: every row is as it was written.')
    .action(async (execution: string | undefined, _: object, command: Command) => {
      const shell = shellOf(command)
      const sum = { executions: 0, rows: 0, anchors: 0 }
      await withMesh(shell, async (bus) => {
        let cursor: ExecutionId | undefined
        let anchor: { number: number; hash: string } | null = null
        for (;;) {
          const page = await bus.call(verifyAudit, {
            limit: VERIFY_PAGE,
            ...(execution === undefined ? {} : { execution_id: idOf(execution) }),
            ...defined({ cursor }),
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
                ? `execution ${broken.execution_id}: ${broken.why}`
                : brokenAnchor
                  ? `anchor ${brokenAnchor.number}: ${brokenAnchor.why}`
                  : `${sum.rows} rows of ${sum.executions} executions and ${sum.anchors} anchors are as they were written`,
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
    .command('export [execution]')
    .description('write every row with its hash, a JSON object a line')
    .addHelpText('after', '\nExample:\n  deed audit export > audit.jsonl')
    .action(async (execution: string | undefined, _: object, command: Command) => {
      const shell = shellOf(command)
      await withMesh(shell, async (bus) => {
        for (let after: ExecutionId | undefined; ; ) {
          const { rows, next_after: next } = await exportPage(bus, execution, after)
          for (const row of rows) process.stdout.write(`${jsonLine(row)}\n`)
          if (next === null) return
          after = next
        }
      })
    })
}

const exportPage = (bus: Bus, execution: string | undefined, after: ExecutionId | undefined) =>
  bus.call(exportAudit, {
    limit: EXPORT_PAGE,
    ...(execution === undefined ? {} : { execution_id: idOf(execution) }),
    ...defined({ after }),
  })
