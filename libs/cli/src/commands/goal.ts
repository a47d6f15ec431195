/** deed goal: what is to stay so. */

import type { Bus } from '@deed/mesh/bus'
import { deleteGoal, GoalName, type GoalView, listGoals, pauseGoal, resumeGoal } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { exposedLine } from '@deed/text/exposed-text'
import type { Command } from 'commander'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { goalHolds, keepGoal } from '../following/keep-goal.ts'
import { readManifest } from '../manifests/read-manifest.ts'
import { type Column, table } from '../show/table.ts'
import { age, duration } from '../terminal/amounts.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { by, count, span, timeoutOption } from '../terminal/options.ts'
import { shownId } from '../terminal/terminal.ts'

interface PutOptions {
  file?: string
  from?: string
  every?: number
  remedies?: number
  workspace?: string
  yes?: boolean
  timeout: number
}

/** The time for a person to decide is part of it. */
const TIMEOUT_MS = 600_000

const nameOf = by(GoalName)

export function addGoal(program: Command): void {
  const goal = program
    .command('goal')
    .summary('what is to stay so: observed, and restored')
    .description('What is to stay so: it is observed at intervals, and restored where it is not.')
    .addHelpText(
      'after',
      `
Examples:
  deed goal put demo-up "keep demo-api running" --every 10s
  deed goal put config --from 5f6a7b8c
  deed goal list
  deed goal resume demo-up`,
    )
  addPut(goal)
  goal
    .command('list')
    .description('goals, by name')
    .addHelpText('after', '\nExample:\n  deed goal list')
    .action(async (_options: object, command: Command) => showGoals(shellOf(command)))
  goal
    .command('delete')
    .argument('<name>', 'of the goal', nameOf)
    .description('keep it no longer; what was done stays')
    .addHelpText('after', '\nExample:\n  deed goal delete demo-up')
    .action(async (name: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const reply = await withMesh(shell, (bus) => bus.call(deleteGoal, { name }))
      shell.out.document(reply)
      shell.out.print(reply.deleted ? `deleted ${name}` : `there was no goal ${name}`)
    })
  for (const [verb, contract, description] of [
    ['pause', pauseGoal, 'observe it no more until it is resumed'],
    ['resume', resumeGoal, 'observe it again, after a pause or after it was given up'],
  ] as const) {
    goal
      .command(verb)
      .argument('<name>', 'of the goal', nameOf)
      .description(description)
      .addHelpText('after', `\nExample:\n  deed goal ${verb} demo-up`)
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
    .argument('[task]', 'what is to be so, in plain words')
    .description('keep something so, from now on')
    .option('-f, --file <file>', 'keep what this manifest says; - for standard input')
    .option('--from <execution>', 'keep what this one did, instead of a task', idText)
    .option('--every <time>', 'how often it is observed: 10s, 5m (default: 30s)', span)
    .option('--remedies <number>', 'how often an hour it is restored before it is given up (default: 5)', count)
    .option('--workspace <name>', 'a workspace of execution.yaml, or a path below its root')
    .option('-y, --yes', 'approve what needs level 1, now and later')
    .addOption(timeoutOption('how long to wait until it holds', TIMEOUT_MS))
    .addHelpText(
      'after',
      `
It is done once, and approved where policy wants that. The approval covers the
same actions every later time.

Examples:
  deed goal put demo-up "keep demo-api running" --every 10s
  deed goal put motd 'write "hello" to motd.txt' --remedies 3
  deed goal put site -f site.yaml --every 5m
  deed goal put config --from 5f6a7b8c`,
    )
    .action(async (name: string, task: string | undefined, options: PutOptions, command: Command) => {
      const { file, from, every, remedies, workspace, yes = false, timeout: timeoutMs } = options
      if ([task, file, from].filter((given) => given !== undefined).length !== 1) {
        throw new UsageError('say what to keep: a task, -f <file>, or --from')
      }
      const shell = shellOf(command)
      const { out } = shell
      const wanted = async (bus: Bus) => ({
        name,
        ...defined({ task }),
        ...(file === undefined ? {} : { manifest: readManifest(file) }),
        ...(from === undefined ? {} : { execution_id: await wholeId<ExecutionId>(bus, ['execution'], from) }),
        ...(every === undefined ? {} : { interval_ms: every }),
        ...(remedies === undefined ? {} : { remedies_max: remedies }),
        ...(workspace === undefined ? {} : { context: { workspace } }),
      })
      const kept = await withMesh(shell, async (bus) =>
        keepGoal(bus, await wanted(bus), { out, yes, timeoutMs, by: 'deed goal put' }),
      )
      out.document(kept)
      out.print(goalText(kept))
      process.exitCode = goalHolds(kept) ? EXIT.success : EXIT.failed
    })
}

/** Its status in one line. */
export function goalText(goal: GoalView): string {
  const { name, interval_ms: intervalMs, agreed_by: by, why, execution_id: id } = goal
  if (goal.status === 'active') {
    const agreed = by === null ? '' : `, approved by ${by}`
    return exposedLine(`${name}  ${statusOf(goal)}: observed every ${duration(intervalMs)}${agreed}`)
  }
  return exposedLine(
    `${name}  ${statusOf(goal)}${why === null ? '' : `: ${why}`}${id === null ? '' : ` (execution ${shownId(id)})`}`,
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
    { heading: 'OBSERVED', cell: ({ last_outcome: outcome }) => outcome ?? '-', status: true },
    { heading: 'AGE', cell: ({ last_check_at: at }) => (at === null ? '-' : age(at, now)) },
    { heading: 'EVERY', cell: ({ interval_ms: ms }) => duration(ms), optional: true },
    { heading: 'DRIFTS', cell: ({ drifts }) => String(drifts), optional: true },
    {
      heading: 'REMEDIES',
      cell: ({ remedies, remedies_max: max }) => `${remedies.length} of ${max}`,
      optional: true,
    },
    { heading: 'TASK', cell: ({ task, why }) => why ?? task, fills: true },
  ]
  out.print(table(columns, reply.goals, out.paint, out.width))
}
