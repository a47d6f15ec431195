/** deed get reviews: what waits for a person, to be looked at or to be done. */
import { listApprovals } from '@deed/proto/approval'
import type { ExecutionId } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { type Column, table } from '../show/table.ts'
import { age } from '../terminal/amounts.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { count } from '../terminal/options.ts'

export function addReviews(get: Command): void {
  get
    .command('reviews')
    .description('tasks that wait for a person: to look at what went wrong, or to do something')
    .option('--execution <id>', 'of this execution', idText)
    .option('--all', 'with those that are decided')
    .option('--limit <number>', 'at most so many', count)
    .addHelpText('after', '\nExamples:\n  deed get reviews\n  deed resolve 5f6a7b8c retry')
    .action(async (options: { execution?: string; all?: boolean; limit?: number }, command: Command) => {
      const shell = shellOf(command)
      const { out } = shell
      const input = {
        ...(options.all ? {} : { status: 'pending' as const }),
        ...(options.limit === undefined ? {} : { limit: options.limit }),
      }
      const found = await withMesh(shell, async (bus) => {
        const { execution } = options
        const id = execution === undefined ? undefined : await wholeId<ExecutionId>(bus, ['execution'], execution)
        const asked = { ...input, ...(id === undefined ? {} : { execution_id: id }) }
        return Promise.all([
          bus.call(listApprovals, { ...asked, kind: 'review' }),
          bus.call(listApprovals, { ...asked, kind: 'provide' }),
        ])
      })
      const tasks = found.flatMap((reply) => reply.tasks).sort((a, b) => b.asked_at.localeCompare(a.asked_at))
      out.document({ tasks })
      const now = Date.now()
      const columns: Column<PersonTask>[] = [
        { heading: 'REVIEW', cell: ({ approval_id: id }) => id, id: true },
        { heading: 'STATUS', cell: ({ status }) => status, status: true },
        { heading: 'KIND', cell: ({ kind, cause }) => cause ?? kind, optional: true },
        { heading: 'DECIDE', cell: ({ decisions }) => decisions.join(' ') || '-' },
        { heading: 'AGE', cell: ({ asked_at: asked }) => age(asked, now) },
        { heading: 'WHAT', cell: ({ title }) => title, fills: true },
      ]
      if (tasks.length === 0) out.note('nothing waits for a person')
      else out.print(table(columns, tasks, out.paint, out.width))
      if (found.some((reply) => reply.next_tasks_cursor !== null)) out.note('and more: --limit, up to 500 of each kind')
    })
}
