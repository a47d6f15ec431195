/** deed get reviews: what waits for a person, to be looked at or to be done. */

import { listApprovals } from '@deed/proto/approval'
import { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { PersonTask } from '@deed/proto/person'
import type { Command } from 'commander'
import { by, count } from '../options.ts'
import { shellOf, withMesh } from '../shell.ts'
import { age } from '../show/amounts.ts'
import { type Column, table } from '../show/table.ts'

export function addReviews(get: Command): void {
  get
    .command('reviews')
    .description('tasks that wait for a person: to look at what went wrong, or to do what is asked')
    .option('--execution <id>', 'of this execution', by(ExecutionId))
    .option('--all', 'those too that are decided')
    .option('--limit <number>', 'at most so many', count)
    .addHelpText('after', '\nExample:\n  deed get reviews\n  deed resolve <review> retry')
    .action(async (options: { execution?: ExecutionId; all?: boolean; limit?: number }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const input = {
        ...(options.all ? {} : { status: 'pending' as const }),
        ...defined({ execution_id: options.execution, limit: options.limit }),
      }
      const found = await withMesh(shell, (bus) =>
        Promise.all([
          bus.call(listApprovals, { ...input, kind: 'review' }),
          bus.call(listApprovals, { ...input, kind: 'provide' }),
        ]),
      )
      const tasks = found.flatMap((reply) => reply.tasks).sort((a, b) => b.asked_at.localeCompare(a.asked_at))
      out.document({ tasks })
      const now = Date.now()
      const columns: Column<PersonTask>[] = [
        { heading: 'REVIEW', cell: ({ approval_id: id }) => id },
        { heading: 'STATUS', cell: ({ status }) => status, status: true },
        { heading: 'KIND', cell: ({ kind, cause }) => cause ?? kind },
        { heading: 'DECIDE', cell: ({ decisions }) => decisions.join(' ') || '-' },
        { heading: 'AGE', cell: ({ asked_at: asked }) => age(asked, now) },
        { heading: 'WHAT', cell: ({ title }) => title, fills: true },
      ]
      if (tasks.length === 0) out.note('nothing waits for a person')
      else out.print(table(columns, tasks, out.paint, out.width))
      if (found.some((reply) => reply.next_tasks_cursor !== null)) out.note('and more: --limit, up to 500 of each kind')
    })
}
