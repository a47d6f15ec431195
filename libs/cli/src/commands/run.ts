/** deed run: a task, done and proven while one waits. */
import type { Bus } from '@deed/mesh/bus'
import { type ApprovalView, decideApproval, ExecutionRequest } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { Complexity } from '@deed/proto/task'
import { Language } from '@deed/proto/template'
import { type Command, Option } from 'commander'
import { exitCodeOfReply } from '../exit-code.ts'
import { by, collect, collectPairs, number, timeoutOption } from '../options.ts'
import type { Output } from '../output.ts'
import { runTask } from '../run-task.ts'
import { type Shell, shellOf, withMesh } from '../shell.ts'
import { approvalText, howToDecide } from '../show/approval.ts'
import { dryRunText, replyText } from '../show/execution.ts'
import { plainLine } from '../show/plain-text.ts'

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
  onFailure?: 'undo' | 'ask'
  context?: Record<string, unknown>
}

interface RunOptions extends RequestOptions {
  yes?: boolean
  timeout: number
}

/** The time for a person to decide is part of it. */
const TIMEOUT_MS = 600_000

export function addRun(program: Command): void {
  addRequestOptions(program.command('run <task>').description('do a task, and wait for its verified end'))
    .option('--dry-run', 'show plan, level and undo; nothing is done, nothing is stored')
    .addOption(timeoutOption('how long to wait, for a decision too; the execution goes on', TIMEOUT_MS))
    .option('-y, --yes', 'approve what needs level 1; higher levels are asked for all the same')
    .addHelpText(
      'after',
      `
Examples:
  deed run "How many assets do we have?"
  deed run --yes "Restart service demo-api"
  deed run --language elixir --target-file lib/consumer.ex "Create a NATS consumer for processing user events"
  deed run --dry-run --json 'write "hello" to notes.txt'

Exit code: 0 done and verified, 1 failed, denied, rolled back or not at its end yet, 2 refused, 3 no mesh.`,
    )
    .action(async (task: string, options: RunOptions, command: Command) => {
      const shell = shellOf(command)
      process.exitCode = await withMesh(shell, (bus) => run(shell, bus, requestOf(task, options), options))
    })
}

export function addRequestOptions(command: Command): Command {
  return command
    .option('--language <name>', `of code: ${Language.options.join(', ')}`, by(Language))
    .option('--complexity <level>', Complexity.options.join(', '), by(Complexity))
    .option('--workspace <name>', 'a workspace of execution.yaml, or a path below its root')
    .option('--target-file <path>', 'relative to the workspace')
    .option('--criterion <text>', 'an acceptance criterion; may be given several times', collect)
    .option('--mode <mode>', 'auto, immediate or background', by(Mode))
    .option('--key <key>', 'idempotency key: the same key is the same execution', by(Key))
    .option('--budget <usd>', 'what models may cost, in dollars', number)
    .option('--priority <priority>', 'low, normal or high', by(Priority))
    .addOption(
      new Option('--on-failure <what>', 'undo, or block what failed and ask a person').choices(['undo', 'ask']),
    )
    .option('--context <key=value>', 'more context; may be given several times', collectPairs)
}

export function requestOf(task: string, options: RequestOptions) {
  const { language, complexity, workspace, targetFile, criterion, mode, key, budget, priority, dryRun, onFailure } =
    options
  const context = {
    ...(options.context as Record<string, never>),
    ...(workspace === undefined ? {} : { workspace }),
    ...(targetFile === undefined ? {} : { target_file: targetFile }),
  }
  return {
    task,
    ...(language === undefined ? {} : { language }),
    ...(complexity === undefined ? {} : { complexity }),
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...(criterion === undefined ? {} : { acceptance_criteria: criterion }),
    ...(mode === undefined ? {} : { mode }),
    ...(key === undefined ? {} : { idempotency_key: key }),
    ...(budget === undefined ? {} : { budget_usd: budget }),
    ...(priority === undefined ? {} : { priority }),
    ...(onFailure === undefined ? {} : { on_failure: onFailure }),
    ...(dryRun === undefined ? {} : { dry_run: dryRun }),
  }
}

async function run(
  { out }: Shell,
  bus: Bus,
  request: ReturnType<typeof requestOf>,
  { timeout: timeoutMs, yes = false, dryRun = false }: RunOptions,
): Promise<number> {
  const reply = await runTask(bus, request, {
    timeoutMs,
    onEvent: ({ status, percent, current }) =>
      out.progress(`${status} ${percent} %${current === null ? '' : `  ${plainLine(current)}`}`),
    onApproval: (approval, decided) => decide(out, bus, approval, decided, yes),
  })
  out.document(reply)
  if (dryRun) {
    out.print(dryRunText(reply, out.paint))
    return 0
  }
  out.print(replyText(reply, out.paint))
  if (reply.status !== 'accepted' && FINAL_EXECUTION_STATUSES.has(reply.status)) return exitCodeOfReply(reply)
  out.note(`It goes on. See how it stands with\n  npx --no-install deed show ${reply.execution_id}`)
  return exitCodeOfReply(reply)
}

async function decide(
  out: Output,
  bus: Bus,
  approval: ApprovalView,
  decided: AbortSignal,
  yes: boolean,
): Promise<void> {
  const { approval_id: id, level, plan_hash: hash } = approval
  out.note(approvalText(approval, out.paint))
  const itself = yes && level === 1
  const answer = itself ? 'y' : await out.ask('Approve? [y/N] ', decided)
  if (answer === undefined) {
    if (!decided.aborted) out.note(howToDecide(id))
    return
  }
  const approved = /^y(es)?$/i.test(answer.trim())
  await bus.call(decideApproval, {
    approval_id: id,
    decision: approved ? 'approve' : 'deny',
    reason: itself ? 'deed run --yes' : 'asked at the terminal',
    plan_hash: hash,
  })
  out.note(approved ? 'Approved.' : 'Denied.')
}
