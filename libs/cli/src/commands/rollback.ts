/** deed rollback: what was done is undone, and seen to be undone. */

import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { rollbackExecution, type UndoStep } from '@deed/proto/steering'
import type { Command } from 'commander'
import type { z } from 'zod'
import { shellOf, withMesh } from '../connect/shell.ts'
import { isMany, rollBackMany, type Scope, steerMany } from '../following/steer-executions.ts'
import { addWaiting, addYes, patience, WAITING_TEXT, type Waiting, waitForEnd } from '../following/wait-for-end.ts'
import { howToDecide } from '../show/approval.ts'
import { replyText } from '../show/execution.ts'
import { type Column, table } from '../show/table.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { wholeId } from '../terminal/find-id.ts'
import { paintStatus } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'

interface RollbackOptions extends Omit<Scope, 'dryRun'>, Waiting {
  last?: true
  withDependents?: true
  pauseGoals?: true
  dryRun?: true
  reason?: string
  yes?: true
}

export function addRollback(program: Command): void {
  const command = program
    .command('rollback')
    .argument('[ids...]', 'of executions; or of one action (whole) or its task')
    .summary('undo what was done, in reverse order, each step verified')
    .description('Undo what was done, in reverse order. Each step is verified.')
    .option('--last', 'your newest execution that left a change')
    .option('--with-dependents', 'of one action: with those that rest on it')
    .option('--template <id>', 'executions that used this template')
    .option('--target <name>', 'executions with an action on this target')
    .option('--all', 'all executions that left a change')
    .option('--pause-goals', 'pause the goals that keep what is undone')
    .option('--dry-run', 'show what would be undone, and what cannot be')
    .option('--reason <text>', 'kept in the audit log')
  addWaiting(addYes(command))
    .addHelpText(
      'after',
      `
Examples:
  deed rollback 5f6a7b8c --reason "customer asked"
  deed rollback --last --dry-run

Own work of level 0 or 1 is undone at once. What needed more, and what others
asked for, is undone once it is approved.

Exit code 0: all that was asked for is undone. 1: some of it is not.
${WAITING_TEXT}`,
    )
    .action(async (ids: string[], options: RollbackOptions, command: Command) => {
      if (options.last && ids.length > 0) throw new UsageError('name what to undo: by ids, or --last')
      const shell = shellOf(command)
      const { out } = shell
      const { reason, withDependents, pauseGoals, dryRun, last, wait, timeout, yes = false, ...where } = options
      const [id] = ids
      if (!last && isMany(ids, where)) {
        const scope = { ...where, ...(dryRun ? { dryRun } : {}) }
        const why = { ...defined({ reason }), ...(pauseGoals ? { pause_goals: true } : {}) }
        return withMesh(shell, (bus) =>
          wait
            ? rollBackMany(out, bus, ids, scope, { ...why, timeoutMs: timeout, yes })
            : steerMany(out, bus, ids, scope, { verb: 'rollback', ...why }, undefined),
        )
      }
      const more = {
        ...(withDependents ? { with_dependents: true } : {}),
        ...(pauseGoals ? { pause_goals: true } : {}),
        ...(dryRun ? { dry_run: true } : {}),
        ...defined({ reason }),
      }
      await withMesh(shell, async (bus) => {
        using patient = patience(timeout)
        const accepted = await (last
          ? bus.call(rollbackExecution, { last, ...more })
          : rollBackById(bus, await wholeId(bus, ['execution', 'task'], id ?? ''), more))
        if (dryRun) {
          out.document(accepted)
          out.print(table(COLUMNS, accepted.steps, out.paint, out.width))
          const agreement =
            accepted.level === 0 ? 'It needs no approval.' : `It needs approval of level ${accepted.level}.`
          out.note(`A dry run: nothing was undone. ${agreement}`)
          process.exitCode = accepted.steps.some(({ outlook }) => outlook === 'cannot') ? EXIT.failed : EXIT.success
          return
        }
        if (!wait) {
          out.document(accepted)
          out.print(`${shownId(accepted.execution_id)}  ${paintStatus(out.paint, accepted.status)}`)
          if (accepted.approval_id !== null) out.note(howToDecide(accepted.approval_id))
          return
        }
        const detail = await waitForEnd(out, bus, accepted.execution_id, 'rollback', patient.signal, yes)
        const reply = ExecutionReply.parse(detail)
        out.document(reply)
        out.print(replyText(reply, out.paint))
        const asked = new Set<string>(accepted.steps.map(({ task_id: task }) => task))
        const tasks = detail.tasks.filter(({ task_id: task }) => asked.has(task))
        const undone = tasks.every(({ actual_status: status }) => status === 'undone')
        process.exitCode = reply.status === 'rolled_back' || (asked.size > 0 && undone) ? EXIT.success : EXIT.failed
      })
    })
}

const COLUMNS: Column<UndoStep>[] = [
  { heading: 'TASK', cell: ({ task_id: id }) => id, id: true },
  { heading: 'KIND', cell: ({ kind }) => kind, optional: true },
  { heading: 'LEVEL', cell: ({ level }) => String(level) },
  { heading: 'OUTLOOK', cell: ({ outlook }) => outlook, status: true },
  { heading: 'TITLE', cell: ({ title }) => title },
  {
    heading: 'WHY',
    cell: ({ why, observed, level, level_why }) => why ?? (level > 0 ? level_why : observed) ?? '-',
    fills: true,
  },
]

/** The id may be an execution's or an action's: they never meet. */
async function rollBackById(bus: Bus, id: ExecutionId, more: Partial<z.input<typeof rollbackExecution.input>>) {
  try {
    return await bus.call(rollbackExecution, { execution_id: id, ...more })
  } catch (error) {
    if (!(error instanceof DeedError) || error.code !== 'not_found') throw error
    return bus.call(rollbackExecution, { action_id: id, ...more })
  }
}
