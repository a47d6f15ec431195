/** deed schedule: what is done at its times. */

import { GoalName } from '@deed/proto/goal'
import { defined } from '@deed/proto/json'
import {
  CatchUp,
  deleteSchedule,
  listSchedules,
  Overlap,
  pauseSchedule,
  putSchedule,
  resumeSchedule,
  type ScheduleView,
} from '@deed/proto/schedule'
import type { Command } from 'commander'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { readManifest } from '../manifests/read-manifest.ts'
import { type Column, table } from '../show/table.ts'
import { duration, moment, relative } from '../terminal/amounts.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { by, choice, span } from '../terminal/options.ts'
import { addRequestOptions, type RequestOptions, requestOf } from './run.ts'

interface PutOptions extends RequestOptions {
  file?: string
  cron?: string
  timezone?: string
  every?: number
  overlap?: Overlap
  catchUp?: CatchUp
}

const nameOf = by(GoalName)

export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .summary('what is done at certain times')
    .description('What is done at certain times, once each time.')
    .addHelpText(
      'after',
      `
Examples:
  deed schedule put count "How many assets do we have?" --every 1h
  deed schedule put night 'write "x" to night.txt' --cron "30 2 * * *"
  deed schedule list
  deed schedule pause night`,
    )
  addPut(schedule)
  schedule
    .command('list')
    .description('schedules, by name, with their next times')
    .addHelpText('after', '\nExample:\n  deed schedule list')
    .action(async (_options: object, command: Command) => showSchedules(shellOf(command)))
  schedule
    .command('delete')
    .argument('<name>', 'of the schedule', nameOf)
    .description('remove it; executions that it started continue')
    .addHelpText('after', '\nExample:\n  deed schedule delete night')
    .action(async (name: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(deleteSchedule, { name }))
      shell.out.document(reply)
      shell.out.print(reply.deleted ? `deleted ${name}` : `there was no schedule ${name}`)
    })
  for (const [verb, contract, description] of [
    ['pause', pauseSchedule, 'skip its times until it is resumed'],
    ['resume', resumeSchedule, 'go on with its next time'],
  ] as const) {
    schedule
      .command(verb)
      .argument('<name>', 'of the schedule', nameOf)
      .description(description)
      .addHelpText('after', `\nExample:\n  deed schedule ${verb} night`)
      .action(async (name: string, _options: object, command: Command) => {
        const shell = shellOf(command)
        const reply = await withMesh(shell, (bus) => bus.call(contract, { name }))
        shell.out.document(reply)
        shell.out.print(scheduleText(reply))
      })
  }
}

function addPut(schedule: Command): void {
  const put = schedule
    .command('put')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"', nameOf)
    .argument('[task]', 'in plain words')
    .description('do a task, or what a manifest says, at certain times')
    .option('-f, --file <file>', 'a manifest instead of a task; - for standard input')
    .option('--cron <expression>', 'five fields, or six with the seconds first; @daily and the like')
    .option('--timezone <name>', 'of the expression, such as Europe/Berlin (default: UTC)')
    .option('--every <time>', '30s, 5m or 1d, instead of an expression; at least 1s', span)
    .addOption(choice('--overlap <policy>', 'while the last one runs (default: skip)', Overlap))
    .addOption(choice('--catch-up <policy>', 'of times that were missed (default: last)', CatchUp))
  put.addHelpText(
    'after',
    `
Examples:
  deed schedule put count "How many assets do we have?" --every 1h
  deed schedule put night 'write "x" to night.txt' --cron "30 2 * * *"
  deed schedule put site -f site.yaml --cron @daily
  deed schedule put poll "is demo-api healthy?" --every 5s --overlap queue`,
  )
  addRequestOptions(put, { keyed: false }).action(
    async (name: string, task: string | undefined, options: PutOptions, command: Command) => {
      const { file, cron, timezone, every, overlap, catchUp, ...request } = options
      if ((task === undefined) === (file === undefined)) throw new UsageError('say what to do: a task, or -f <file>')
      const shell = shellOf(command)
      const { dry_run, idempotency_key, task: words, ...more } = requestOf(task ?? '', request)
      const asked = file === undefined ? { task: words, ...more } : { manifest: readManifest(file), ...more }
      const reply = await withMesh(shell, (bus) =>
        bus.call(putSchedule, {
          name,
          request: asked,
          ...defined({ cron, timezone, every_ms: every, overlap, catch_up: catchUp }),
        }),
      )
      shell.out.document(reply)
      shell.out.print(scheduleText(reply))
    },
  )
}

const timesOf = ({ cron, timezone, every_ms: ms }: ScheduleView): string =>
  cron === null ? `every ${duration(ms ?? 0)}` : `${cron} (${timezone})`

const scheduleText = (schedule: ScheduleView): string =>
  `${schedule.name}  ${timesOf(schedule)}, ${schedule.paused ? 'paused' : `next ${schedule.due[0] === undefined ? 'never' : moment(schedule.due[0])}`}`

export async function showSchedules(shell: Shell): Promise<void> {
  const { out } = shell
  const reply = await withMesh(shell, (bus) => bus.call(listSchedules, {}))
  out.document(reply)
  if (reply.schedules.length === 0) return out.note('no schedules')
  const now = Date.now()
  const columns: Column<ScheduleView>[] = [
    { heading: 'SCHEDULE', cell: ({ name }) => name },
    { heading: 'TIMES', cell: timesOf },
    {
      heading: 'NEXT',
      cell: ({ due, paused }) => (paused ? 'paused' : due[0] === undefined ? '-' : relative(due[0], now)),
    },
    { heading: 'FIRED', cell: ({ fired }) => String(fired), optional: true },
    { heading: 'SKIPPED', cell: ({ skipped }) => String(skipped), optional: true },
    { heading: 'LAST', cell: ({ execution_id: id }) => id ?? '-', id: true },
    { heading: 'TASK', cell: ({ request, why }) => why ?? request.task, fills: true },
  ]
  out.print(table(columns, reply.schedules, out.paint, out.width))
}
