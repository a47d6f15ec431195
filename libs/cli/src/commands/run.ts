/** deed run: a task, done and proven while one waits. */

import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { ExecutionRequest } from '@deed/proto/execution'
import { GoalName } from '@deed/proto/goal'
import { defined } from '@deed/proto/json'
import { Complexity } from '@deed/proto/task'
import { Language } from '@deed/proto/template'
import { type Command, Option } from 'commander'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { askToChoose } from '../following/ask-to-choose.ts'
import { decide } from '../following/ask-to-decide.ts'
import { goalHolds, keepGoal } from '../following/keep-goal.ts'
import { noteNext } from '../following/run-shown.ts'
import { runTask } from '../following/run-task.ts'
import { dryRunText, replyText } from '../show/execution.ts'
import { progressText } from '../show/progress.ts'
import { EXIT, exitCodeOfReply, UsageError } from '../terminal/exit-code.ts'
import { by, choice, collect, collectPairs, number, span, timeoutOption } from '../terminal/options.ts'
import { goalText } from './goal.ts'

const { mode: Mode, priority: Priority, idempotency_key: Key } = ExecutionRequest.shape

/** The options that become fields of the request. */
export interface RequestOptions {
  language?: Language
  complexity?: Complexity
  workspace?: string
  targetFile?: string
  criterion?: string[]
  mode?: ExecutionRequest['mode']
  key?: string
  budget?: number
  priority?: ExecutionRequest['priority']
  dryRun?: boolean
  onFailure?: 'undo' | 'ask' | 'replan'
  context?: Record<string, unknown>
}

interface RunOptions extends RequestOptions {
  yes?: boolean
  timeout: number
  /** A name, or that there is to be one. */
  keep?: string | true
  every?: number
}

/** The time for a person to decide is part of it. */
const TIMEOUT_MS = 600_000

export function addRun(program: Command): void {
  addRequestOptions(
    program
      .command('run <task>')
      .summary('do a task, and wait for its verified end')
      .description('Do a task, and wait for its verified end.'),
  )
    .option('--dry-run', 'show plan, level and undo; nothing is done')
    .addOption(timeoutOption('how long to wait; the execution continues', TIMEOUT_MS))
    .option('--keep [name]', 'keep it so, as a goal (default name: from the task)', by(GoalName))
    .option('--every <time>', 'of --keep: how often it is observed (default: 30s)', span)
    .option('-y, --yes', 'approve what needs level 1; more is asked for')
    .addHelpText(
      'after',
      `
Examples:
  deed run "How many assets do we have?"
  deed run --yes "Restart service demo-api"
  deed run --dry-run 'write "hello" to notes.txt'
  deed run --language elixir --target-file lib/consumer.ex \\
    "Create a NATS consumer for processing user events"
  deed run --yes "Make sure demo-api is running" --keep demo-up --every 10s

Exit code: 0 done and verified; 1 failed, denied, rolled back or not at its end;
2 refused; 3 no mesh.`,
    )
    .action(async (task: string, options: RunOptions, command: Command) => {
      const shell = shellOf(command)
      process.exitCode = await withMesh(shell, (bus) => run(shell, bus, requestOf(task, options), options))
    })
}

/** @param keyed whether the request may have a key of the caller's */
export function addRequestOptions(command: Command, { keyed = true } = {}): Command {
  if (keyed) command.option('--key <key>', 'idempotency key: the same key, the same execution', by(Key))
  return command
    .addOption(choice('--language <name>', 'of code', Language))
    .addOption(choice('--complexity <level>', 'how hard it is', Complexity))
    .option('--workspace <name>', 'of execution.yaml, or a path below its root')
    .option('--target-file <path>', 'relative to the workspace')
    .option('--criterion <text>', 'an acceptance criterion; may be repeated', collect)
    .addOption(choice('--mode <mode>', 'when it is done (default: auto)', Mode.unwrap()))
    .option('--budget <usd>', 'what models may cost, in dollars', number)
    .addOption(choice('--priority <priority>', 'before or after others', Priority.unwrap()))
    .addOption(
      new Option('--on-failure <what>', 'undo, block it and ask a person, or plan it again').choices([
        'undo',
        'ask',
        'replan',
      ]),
    )
    .option('--context <key=value>', 'more context; may be repeated', collectPairs)
}

export function requestOf(task: string, options: RequestOptions) {
  const { language, complexity, workspace, targetFile, criterion, mode, key, budget, priority, dryRun, onFailure } =
    options
  const context = {
    ...(options.context as Record<string, never>),
    ...defined({ workspace, target_file: targetFile }),
  }
  return {
    task,
    ...defined({ language, complexity }),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...defined({
      acceptance_criteria: criterion,
      mode,
      idempotency_key: key,
      budget_usd: budget,
      priority,
      on_failure: onFailure,
      dry_run: dryRun,
    }),
  }
}

async function run(
  { out }: Shell,
  bus: Bus,
  request: ReturnType<typeof requestOf>,
  options: RunOptions,
): Promise<number> {
  const { timeout: timeoutMs, yes = false, dryRun = false, keep, every } = options
  // The words may say themselves that something is to be kept.
  if (keep === undefined && every !== undefined && !/^\s*keep\s/i.test(request.task)) {
    throw new UsageError('--every is for --keep')
  }
  if (keep !== undefined && dryRun) throw new UsageError('a dry run does nothing that could be kept')
  const name = keep === true ? goalName(request.task) : keep
  const asking = { out, yes, timeoutMs, by: 'deed run --keep' }
  const interval = every === undefined ? {} : { interval_ms: every }
  const askedAt = performance.now()
  const reply = await runTask(bus, request, {
    timeoutMs,
    onEvent: (event) => out.progress(progressText(event)),
    onApproval: (approval, decided) => decide({ out, yes, by: 'deed run' }, bus, approval, decided),
    onQuestion: (question, decided) => askToChoose(out, bus, question, decided),
  }).catch((error: unknown) => {
    if (!(error instanceof DeedError) || error.code !== 'standing_goal' || dryRun) throw error
  })
  if (reply === undefined) {
    // What has no end is kept, as `deed goal put` does.
    const { task, context } = request
    const wanted = { name: name ?? goalName(task), task, ...defined({ context }), ...interval }
    const goal = await keepGoal(bus, wanted, asking)
    out.document({ goal })
    out.print(goalText(goal))
    return goalHolds(goal) ? EXIT.success : EXIT.failed
  }
  if (name !== undefined && exitCodeOfReply(reply) === EXIT.success) {
    out.print(replyText(reply, out.paint, askedAt))
    const goal = await keepGoal(bus, { name, execution_id: reply.execution_id, ...interval }, asking)
    out.document({ ...reply, goal })
    out.print(goalText(goal))
    return goalHolds(goal) ? EXIT.success : EXIT.failed
  }
  out.document(reply)
  if (dryRun) {
    out.print(dryRunText(reply, out.paint))
    return 0
  }
  out.print(replyText(reply, out.paint, askedAt))
  if (name !== undefined) out.note(`Not kept as ${name}: only what is done and proven is.`)
  noteNext(out, reply)
  return exitCodeOfReply(reply)
}

/** The task's words as a name. */
function goalName(task: string): string {
  const words = task.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const name = words.replace(/^-/, '').slice(0, 63).replace(/-$/, '')
  if (name === '') throw new UsageError('the task gives no name for the goal; say --keep <name>')
  return name
}
