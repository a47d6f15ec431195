/** deed goal: what is to stay so. */

import { exposedLine } from '@deed/mesh/exposed-text'
import { deleteGoal, type GoalView, listGoals, pauseGoal, resumeGoal, StandingName } from '@deed/proto/goal'
import { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { Command } from 'commander'
import { EXIT, UsageError } from '../exit-code.ts'
import { isKept, keepGoal } from '../keep-goal.ts'
import { by, count, span, timeoutOption } from '../options.ts'
import { readManifest } from '../read-manifest.ts'
import { type Shell, shellOf, withMesh } from '../shell.ts'
import { age, duration } from '../show/amounts.ts'
import { type Column, table } from '../show/table.ts'

interface PutOptions {
  file?: string
  from?: ExecutionId
  every?: number
  remedies?: number
  workspace?: string
  yes?: boolean
  timeout: number
}

/** The time for a person to decide is part of it. */
const TIMEOUT_MS = 600_000

const nameOf = by(StandingName)

export function addGoal(program: Command): void {
  const goal = program
    .command('goal')
    .description('what is to stay so: looked at again and again, and brought about again where it is not')
    .addHelpText(
      'after',
      `
Examples:
  deed goal put demo-up "keep demo-api running" --every 10s
  deed goal put config --from 01997d0e-...
  deed goal list
  deed goal resume demo-up`,
    )
  addPut(goal)
  goal
    .command('list')
    .description('goals, by name')
    .action(async (_options: object, command: Command) => showGoals(shellOf(command)))
  goal
    .command('delete')
    .argument('<name>', 'of the goal', nameOf)
    .description('keep it so no longer; what was brought about stays')
    .action(async (name: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(deleteGoal, { name }))
      shell.out.document(reply)
      shell.out.print(reply.deleted ? `deleted ${name}` : `there was no goal ${name}`)
    })
  for (const [verb, contract, description] of [
    ['pause', pauseGoal, 'look no more until it is resumed'],
    ['resume', resumeGoal, 'look again, after a pause or where it was given up'],
  ] as const) {
    goal
      .command(verb)
      .argument('<name>', 'of the goal', nameOf)
      .description(description)
      .action(async (name: string, _options: object, command: Command) => {
        const shell = shellOf(command)
        const reply = await withMesh(shell, (bus) => bus.call(contract, { name }))
        shell.out.document(reply)
        shell.out.print(`${name}  ${statusOf(reply)}`)
      })
  }
}

function addPut(goal: Command): void {
  goal
    .command('put')
    .argument('<name>', 'lower-case letters, digits, ".", "_" and "-"', nameOf)
    .argument('[task]', 'what is to be so, in words that a rule knows')
    .description('keep something so, from now on')
    .option('-f, --file <file>', 'keep what this manifest says, in the place of a task; - for standard input')
    .option('--from <execution>', 'keep what this one did, in the place of a task', by(ExecutionId))
    .option('--every <time>', 'how often is looked, as 10s or 5m; at least 1s (default: 30s)', span)
    .option(
      '--remedies <number>',
      'how often an hour it is brought about again before it is given up (default: 5)',
      count,
    )
    .option('--workspace <name>', 'a workspace of execution.yaml, or a path below its root')
    .option('-y, --yes', 'approve what needs level 1, for now and every later time')
    .addOption(timeoutOption('how long to wait until it stands, for a decision too', TIMEOUT_MS))
    .addHelpText(
      'after',
      `
It is brought about once, and agreed to where policy wants that: for every later time too, of just these actions.

Examples:
  deed goal put demo-up "keep demo-api running" --every 10s
  deed goal put motd 'write "hello" to motd.txt' --remedies 3
  deed goal put site -f site.yaml --every 5m
  deed goal put config --from 01997d0e-...`,
    )
    .action(async (name: string, task: string | undefined, options: PutOptions, command: Command) => {
      const { file, from, every, remedies, workspace, yes = false, timeout: timeoutMs } = options
      if ([task, file, from].filter((given) => given !== undefined).length !== 1) {
        throw new UsageError('say what to keep: a task, -f <file>, or --from')
      }
      const shell = shellOf(command)
      const { out } = shell
      const wanted = {
        name,
        ...defined({ task }),
        ...(file === undefined ? {} : { manifest: readManifest(file) }),
        ...defined({ execution_id: from, interval_ms: every, remedies_max: remedies }),
        ...(workspace === undefined ? {} : { context: { workspace } }),
      }
      const kept = await withMesh(shell, (bus) => keepGoal(bus, wanted, { out, yes, timeoutMs, by: 'deed goal put' }))
      out.document(kept)
      out.print(goalText(kept))
      process.exitCode = isKept(kept) ? EXIT.success : EXIT.failed
    })
}

/** Where it stands, in a line. */
export function goalText(goal: GoalView): string {
  const { name, interval_ms: intervalMs, agreed_by: by, why, execution_id: id } = goal
  if (goal.status === 'active') {
    const agreed = by === null ? '' : `, agreed to by ${by}`
    return exposedLine(`${name}  ${statusOf(goal)}: looked at every ${duration(intervalMs)}${agreed}`)
  }
  return exposedLine(
    `${name}  ${statusOf(goal)}${why === null ? '' : `: ${why}`}${id === null ? '' : ` (execution ${id})`}`,
  )
}

const statusOf = ({ status, paused }: GoalView): string => (paused ? 'paused' : status)

export async function showGoals(shell: Shell): Promise<void> {
  const { out } = shell
  const reply = await withMesh(shell, (bus) => bus.call(listGoals, {}))
  out.document(reply)
  if (reply.goals.length === 0) return out.note('no goals')
  const now = Date.now()
  const columns: Column<GoalView>[] = [
    { heading: 'GOAL', cell: ({ name }) => name },
    { heading: 'STATUS', cell: statusOf, status: true },
    { heading: 'LAST LOOK', cell: ({ last_outcome: outcome }) => outcome ?? '-' },
    { heading: 'AGO', cell: ({ last_look_at: at }) => (at === null ? '-' : age(at, now)) },
    { heading: 'EVERY', cell: ({ interval_ms: ms }) => duration(ms) },
    { heading: 'DRIFTS', cell: ({ drifts }) => String(drifts) },
    {
      heading: 'REMEDIES',
      cell: ({ remedies, remedies_max: max }) => `${remedies.length} of ${max}`,
    },
    { heading: 'TASK', cell: ({ task, why }) => why ?? task, fills: true },
  ]
  out.print(table(columns, reply.goals, out.paint, out.width))
}
