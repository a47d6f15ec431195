/** deed get: executions, tasks and approvals, in tables. */

import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { type ExecutionSummary as ExecutionSummarySchema, listExecutions } from '@deed/proto/execution'
import { type Grant, listGrants } from '@deed/proto/grant'
import { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { ApprovalStatus, ExecutionStatus, Method, TaskStatus } from '@deed/proto/states'
import { listTasks, type TaskView } from '@deed/proto/task'
import type { Command } from 'commander'
import type { z } from 'zod'
import { by, count, moment } from '../options.ts'
import { type Shell, shellOf, withMesh } from '../shell.ts'
import { age, duration } from '../show/amounts.ts'
import { type Column, table } from '../show/table.ts'
import { addReviews } from './get-reviews.ts'
import { showGoals } from './goal.ts'
import { grantText } from './grant.ts'
import { showSchedules } from './schedule.ts'

type ExecutionSummary = z.output<typeof ExecutionSummarySchema>

export function addGet(program: Command): void {
  const get = program
    .command('get')
    .description('tables: executions, tasks, approvals, reviews, grants, goals, schedules')
    .addHelpText(
      'after',
      `
Examples:
  deed get executions --status failed --since 2h
  deed get executions --text restart --limit 5 --json
  deed get tasks --execution 01997d0e-...
  deed get approvals --status pending
  deed get reviews
  deed get grants --all`,
    )
  addExecutions(get)
  addTasks(get)
  addApprovals(get)
  addGrants(get)
  get
    .command('goals')
    .description('what is to stay so')
    .action((_: object, command: Command) => showGoals(shellOf(command)))
  get
    .command('schedules')
    .description('what is done at its times')
    .action((_: object, command: Command) => showSchedules(shellOf(command)))
  addReviews(get)
}

function addExecutions(get: Command): void {
  get
    .command('executions')
    .description('executions, newest first')
    .option('--status <status>', ExecutionStatus.options.join(', '), by(ExecutionStatus))
    .option('--method <method>', Method.options.join(', '), by(Method))
    .option('--template <id>', 'that used this template')
    .option('--since <time>', 'asked at or after: a time, or 30m, 2h, 7d', moment)
    .option('--until <time>', 'asked before', moment)
    .option('--text <words>', 'that have these words in the task')
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'go on behind this one', by(ExecutionId))
    .action(async (options: z.input<typeof listExecutions.input>, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(listExecutions, options))
      shell.out.document(reply)
      const now = Date.now()
      const columns: Column<ExecutionSummary>[] = [
        { heading: 'EXECUTION', cell: ({ execution_id: id }) => id },
        { heading: 'STATUS', cell: ({ status }) => status, status: true },
        { heading: 'METHOD', cell: ({ method }) => method ?? '-' },
        { heading: 'TIME', cell: ({ time_ms: ms }) => (ms === null ? '-' : duration(ms)) },
        { heading: 'AGE', cell: ({ created_at: created }) => age(created, now) },
        { heading: 'TASK', cell: ({ task }) => task, fills: true },
      ]
      show(shell, 'executions', columns, reply.executions)
      if (reply.next_cursor !== null) shell.out.note(`more: --cursor ${reply.next_cursor}`)
    })
}

function addTasks(get: Command): void {
  get
    .command('tasks')
    .description('tasks, what is wanted beside what is: all open ones, unless --execution or --status says which')
    .option('--execution <id>', 'of this execution', by(ExecutionId))
    .option('--status <status>', TaskStatus.options.join(', '), by(TaskStatus))
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'those that come after this one', by(TaskId))
    .action(
      async (
        options: { execution?: ExecutionId; status?: TaskView['actual_status']; limit?: number; cursor?: TaskId },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const { execution, ...filters } = options
        const open = execution === undefined && filters.status === undefined
        const input = { ...filters, open, ...defined({ execution_id: execution }) }
        const reply = await withMesh(shell, (bus) => bus.call(listTasks, input))
        shell.out.document(reply)
        const columns: Column<TaskView>[] = [
          { heading: 'TASK', cell: ({ task_id: id }) => id },
          { heading: 'WANT', cell: ({ desired_status: status }) => status },
          { heading: 'HAVE', cell: ({ actual_status: status }) => status, status: true },
          { heading: 'KIND', cell: ({ action, task_kind: kind }) => action?.kind ?? kind },
          { heading: 'AGENT', cell: ({ agent }) => agent ?? '-' },
          { heading: 'FAILURES', cell: ({ failures }) => String(failures) },
          { heading: 'EVIDENCE', cell: ({ evidence }) => evidence?.outcome ?? '-', status: true },
          { heading: 'ERROR', cell: ({ error }) => error?.code ?? '-' },
          { heading: 'TITLE', cell: ({ title, error }) => (error ? `${title}: ${error.message}` : title), fills: true },
        ]
        show(shell, 'tasks', columns, reply.tasks)
        if (reply.next_cursor !== null) shell.out.note(`more: --cursor ${reply.next_cursor}`)
      },
    )
}

function addApprovals(get: Command): void {
  get
    .command('approvals')
    .description('decisions that people are asked for')
    .option('--execution <id>', 'of this execution', by(ExecutionId))
    .option('--status <status>', ApprovalStatus.options.join(', '), by(ApprovalStatus))
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'those that come after this one', by(ApprovalId))
    .action(
      async (
        options: { execution?: ExecutionId; status?: ApprovalView['status']; limit?: number; cursor?: ApprovalId },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const { execution, ...filters } = options
        const input = { ...filters, ...defined({ execution_id: execution }) }
        const reply = await withMesh(shell, (bus) => bus.call(listApprovals, input))
        shell.out.document(reply)
        const columns: Column<ApprovalView>[] = [
          { heading: 'APPROVAL', cell: ({ approval_id: id }) => id },
          { heading: 'STATUS', cell: ({ status }) => status, status: true },
          { heading: 'LEVEL', cell: ({ level }) => String(level) },
          { heading: 'BY', cell: ({ decided_by: by }) => by ?? '-' },
          { heading: 'ACTIONS', cell: ({ actions, omitted }) => String(actions.length + (omitted?.actions ?? 0)) },
          { heading: 'EXPIRES', cell: ({ expires_at: at }) => at },
          { heading: 'TASK', cell: ({ task }) => task, fills: true },
        ]
        show(shell, 'approvals', columns, reply.approvals)
        if (reply.next_cursor !== null) shell.out.note(`more: --cursor ${reply.next_cursor}`)
      },
    )
}

function addGrants(get: Command): void {
  get
    .command('grants')
    .description('standing permissions, newest first')
    .option('--all', 'those too that are over')
    .option('--limit <number>', 'at most so many', count)
    .action(async (options: z.input<typeof listGrants.input>, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(listGrants, options))
      shell.out.document(reply)
      const columns: Column<Grant>[] = [
        { heading: 'GRANT', cell: ({ grant_id: id }) => id },
        { heading: 'BY', cell: ({ granted_by: by }) => by },
        { heading: 'USES', cell: ({ uses }) => String(uses) },
        { heading: 'REVOKED', cell: ({ revoked_by: by }) => by ?? '-' },
        { heading: 'FOR', cell: grantText, fills: true },
      ]
      show(shell, 'grants', columns, reply.grants)
    })
}

function show<Row>({ out }: Shell, what: string, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  if (rows.length === 0) out.note(`no ${what}`)
  else out.print(table(columns, rows, out.paint, out.width))
}
