/** deed get: executions, tasks and approvals, in tables. */

import { type ApprovalView, listApprovals } from '@deed/proto/approval'
import { type ExecutionSummary as ExecutionSummarySchema, listExecutions } from '@deed/proto/execution'
import { type Grant, listGrants } from '@deed/proto/grant'
import type { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import { ApprovalStatus, ExecutionStatus, Method, TaskStatus } from '@deed/proto/states'
import { listTasks, type TaskView } from '@deed/proto/task'
import type { Command } from 'commander'
import type { z } from 'zod'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { type Column, table } from '../show/table.ts'
import { age, duration, relative } from '../terminal/amounts.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { choice, count, moment } from '../terminal/options.ts'
import { shownId } from '../terminal/terminal.ts'
import { addReviews } from './get-reviews.ts'
import { showGoals } from './goal.ts'
import { grantScope } from './grant.ts'
import { showSchedules } from './schedule.ts'

type ExecutionSummary = z.output<typeof ExecutionSummarySchema>

export function addGet(program: Command): void {
  const get = program
    .command('get')
    .summary('tables: executions, tasks, approvals, reviews, grants ...')
    .description('Tables, the newest first.')
    .addHelpText(
      'after',
      `
Examples:
  deed get executions --status failed --since 2h
  deed get executions --text restart --limit 5 --json
  deed get tasks --execution 5f6a7b8c
  deed get approvals --status pending
  deed get reviews
  deed get grants --all

On a terminal, ids are shown by their end, which every command takes, lines are
cut to its width, and less important columns are left out where it is narrow.
In a pipe or a file everything is whole.`,
    )
  addExecutions(get)
  addTasks(get)
  addApprovals(get)
  addGrants(get)
  get
    .command('goals')
    .description('goals: what is to stay so')
    .addHelpText('after', '\nExample:\n  deed get goals')
    .action((_: object, command: Command) => showGoals(shellOf(command)))
  get
    .command('schedules')
    .description('schedules, with their next times')
    .addHelpText('after', '\nExample:\n  deed get schedules')
    .action((_: object, command: Command) => showSchedules(shellOf(command)))
  addReviews(get)
}

function addExecutions(get: Command): void {
  get
    .command('executions')
    .description('executions, newest first')
    .addOption(choice('--status <status>', 'in this status', ExecutionStatus))
    .addOption(choice('--method <method>', 'solved in this way', Method))
    .option('--template <id>', 'that used this template')
    .option('--since <time>', 'requested since: 2026-11-21T08:00Z, or 30m, 2h, 7d', moment)
    .option('--until <time>', 'requested before', moment)
    .option('--text <words>', 'that have this text in the task')
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'go on behind this one', idText)
    .addHelpText(
      'after',
      '\nExamples:\n  deed get executions --status failed --since 2h\n  deed get executions --text restart',
    )
    .action(
      async (
        { cursor, ...filters }: Omit<z.input<typeof listExecutions.input>, 'cursor'> & { cursor?: string },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const reply = await withMesh(shell, async (bus) =>
          bus.call(listExecutions, {
            ...filters,
            ...(cursor === undefined ? {} : { cursor: await wholeId<ExecutionId>(bus, ['execution'], cursor) }),
          }),
        )
        shell.out.document(reply)
        const now = Date.now()
        const columns: Column<ExecutionSummary>[] = [
          { heading: 'EXECUTION', cell: ({ execution_id: id }) => id, id: true },
          { heading: 'STATUS', cell: ({ status }) => status, status: true },
          { heading: 'METHOD', cell: ({ method }) => method ?? '-', optional: true },
          { heading: 'TIME', cell: ({ time_ms: ms }) => (ms === null ? '-' : duration(ms)), optional: true },
          { heading: 'AGE', cell: ({ created_at: created }) => age(created, now) },
          { heading: 'TASK', cell: ({ task }) => task, fills: true },
        ]
        show(shell, 'executions', columns, reply.executions)
        if (reply.next_cursor !== null) shell.out.note(`more: --cursor ${reply.next_cursor}`)
      },
    )
}

function addTasks(get: Command): void {
  get
    .command('tasks')
    .description('tasks, wanted and actual status: the open ones, unless --execution or --status says which')
    .option('--execution <id>', 'of this execution', idText)
    .addOption(choice('--status <status>', 'in this status', TaskStatus))
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'those that come after this one', idText)
    .addHelpText('after', '\nExamples:\n  deed get tasks\n  deed get tasks --execution 5f6a7b8c')
    .action(
      async (
        options: { execution?: string; status?: TaskView['actual_status']; limit?: number; cursor?: string },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const { execution, cursor, ...filters } = options
        const open = execution === undefined && filters.status === undefined
        const reply = await withMesh(shell, async (bus) =>
          bus.call(listTasks, {
            ...filters,
            open,
            ...(execution === undefined
              ? {}
              : { execution_id: await wholeId<ExecutionId>(bus, ['execution'], execution) }),
            ...(cursor === undefined ? {} : { cursor: await wholeId<TaskId>(bus, ['task'], cursor) }),
          }),
        )
        shell.out.document(reply)
        const columns: Column<TaskView>[] = [
          { heading: 'TASK', cell: ({ task_id: id }) => id, id: true },
          { heading: 'WANT', cell: ({ desired_status: status }) => status, optional: true },
          { heading: 'HAVE', cell: ({ actual_status: status }) => status, status: true },
          { heading: 'KIND', cell: ({ action, task_kind: kind }) => action?.kind ?? kind },
          { heading: 'AGENT', cell: ({ agent }) => agent ?? '-', optional: true },
          { heading: 'FAILURES', cell: ({ failures }) => String(failures), optional: true },
          { heading: 'EVIDENCE', cell: ({ evidence }) => evidence?.outcome ?? '-', status: true, optional: true },
          { heading: 'ERROR', cell: ({ error }) => error?.code ?? '-', optional: true },
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
    .option('--execution <id>', 'of this execution', idText)
    .addOption(choice('--status <status>', 'in this status', ApprovalStatus))
    .option('--limit <number>', 'at most so many', count)
    .option('--cursor <id>', 'those that come after this one', idText)
    .addHelpText(
      'after',
      '\nExamples:\n  deed get approvals --status pending\n  deed get approvals --execution 5f6a7b8c',
    )
    .action(
      async (
        options: { execution?: string; status?: ApprovalView['status']; limit?: number; cursor?: string },
        command: Command,
      ) => {
        const shell = shellOf(command)
        const { execution, cursor, ...filters } = options
        const reply = await withMesh(shell, async (bus) =>
          bus.call(listApprovals, {
            ...filters,
            ...(execution === undefined
              ? {}
              : { execution_id: await wholeId<ExecutionId>(bus, ['execution'], execution) }),
            ...(cursor === undefined ? {} : { cursor: await wholeId<ApprovalId>(bus, ['approval'], cursor) }),
          }),
        )
        const now = Date.now()
        shell.out.document(reply)
        const columns: Column<ApprovalView>[] = [
          { heading: 'APPROVAL', cell: ({ approval_id: id }) => id, id: true },
          { heading: 'STATUS', cell: ({ status }) => status, status: true },
          { heading: 'LEVEL', cell: ({ level }) => String(level) },
          { heading: 'BY', cell: ({ decided_by: by }) => by ?? '-', optional: true },
          {
            heading: 'ACTIONS',
            cell: ({ actions, omitted }) => String(actions.length + (omitted?.actions ?? 0)),
            optional: true,
          },
          { heading: 'EXPIRES', cell: ({ expires_at: at }) => relative(at, now) },
          { heading: 'TASK', cell: ({ task }) => task, fills: true },
        ]
        const questions = reply.tasks.filter(({ kind }) => kind === 'choose')
        if (questions.length === 0 || reply.approvals.length > 0) show(shell, 'approvals', columns, reply.approvals)
        if (reply.next_cursor !== null) shell.out.note(`more: --cursor ${shownId(reply.next_cursor)}`)
        if (questions.length > 0) show(shell, 'questions', QUESTION_COLUMNS, questions)
      },
    )
}

/** What a person chooses from is asked for in the same list. */
const QUESTION_COLUMNS: Column<PersonTask>[] = [
  { heading: 'QUESTION', cell: ({ approval_id: id }) => id, id: true },
  { heading: 'STATUS', cell: ({ status }) => status, status: true },
  { heading: 'READINGS', cell: ({ question }) => String(question?.options.length ?? 0), optional: true },
  { heading: 'EXPIRES', cell: ({ expires_at: at }) => (at === null ? '-' : relative(at, Date.now())) },
  { heading: 'ASKED', cell: ({ title }) => title, fills: true },
]

function addGrants(get: Command): void {
  get
    .command('grants')
    .description('what is pre-approved, newest first')
    .option('--all', 'with those that have ended')
    .option('--limit <number>', 'at most so many', count)
    .addHelpText('after', '\nExample:\n  deed get grants --all')
    .action(async (options: z.input<typeof listGrants.input>, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(listGrants, options))
      shell.out.document(reply)
      const now = Date.now()
      const columns: Column<Grant>[] = [
        { heading: 'GRANT', cell: ({ grant_id: id }) => id, id: true },
        { heading: 'BY', cell: ({ granted_by: by }) => by, optional: true },
        { heading: 'USES', cell: ({ uses }) => String(uses) },
        { heading: 'REVOKED', cell: ({ revoked_by: by }) => by ?? '-', optional: true },
        { heading: 'UNTIL', cell: ({ expires_at: at }) => relative(at, now) },
        { heading: 'FOR', cell: grantScope, fills: true },
      ]
      show(shell, 'grants', columns, reply.grants)
    })
}

function show<Row>({ out }: Shell, what: string, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  if (rows.length === 0) out.note(`no ${what}`)
  else out.print(table(columns, rows, out.paint, out.width))
}
