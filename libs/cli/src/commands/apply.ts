/** deed apply, diff, delete: apply a graph of tasks from a file, compare it with the world, undo it. */

import { existsSync } from 'node:fs'
import { counted } from '@deed/config/counted'
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import type { Bus } from '@deed/mesh/bus'
import { SealedStep } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import {
  type ExecutionDetail,
  ExecutionReply,
  getExecution,
  listExecutions,
  requestExecution,
} from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { defined, type JsonObject } from '@deed/proto/json'
import type { Manifest } from '@deed/proto/manifest'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { rollbackExecution, steerExecutions } from '@deed/proto/steering'
import type { Command } from 'commander'
import { z } from 'zod'
import { shellOf, withMesh } from '../connect/shell.ts'
import { runShown } from '../following/run-shown.ts'
import { rollBackMany, steerMany } from '../following/steer-executions.ts'
import {
  addWaiting,
  addYes,
  exitCodeOfVerb,
  patience,
  WAITING_TEXT,
  type Waiting,
  waitForEnd,
} from '../following/wait-for-end.ts'
import { readManifest } from '../manifests/read-manifest.ts'
import { sendManifest } from '../manifests/send-manifest.ts'
import { howToDecide } from '../show/approval.ts'
import { dryRunText, replyText } from '../show/execution.ts'
import { moment } from '../terminal/amounts.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { timeoutOption } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { paintStatus } from '../terminal/paint.ts'
import { plainLine, plainText } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

const TIMEOUT_MS = 600_000
const DIGEST_CHARS = 32
/** Executions that one request may name. */
const STEERED_MAX = 500

interface ApplyOptions {
  file: string
  dryRun?: boolean
  background?: boolean
  yes?: boolean
  timeout: number
}

export function addApply(program: Command): void {
  program
    .command('apply')
    .summary('do the tasks of a manifest; what is so already is left')
    .description('Do the tasks of a manifest in their order. What is so already is left as it is.')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - for standard input')
    .option('--dry-run', 'show plan, level and undo; nothing is done')
    .option('--background', 'do not wait for its end')
    .option('-y, --yes', 'approve what needs level 1; more is asked for')
    .addOption(timeoutOption('how long to wait; the execution continues', TIMEOUT_MS))
    .addHelpText(
      'after',
      `
Applied again while its execution runs, a manifest follows that one. After its
end the targets are inspected: where all are as it says, nothing is done; else a
new execution makes them so, and asks for approval where policy wants it.
A program, a read or a restart is done each time; where the manifest was done
before, not while its \`verify\` holds.

Examples:
  deed apply -f site.yaml
  deed apply -f site.yaml --dry-run

A manifest:
  name: site
  tasks:
    - id: folder
      action: { kind: dir.create, input: { path: site } }
    - id: page
      task: write "hello" to site/index.txt
      depends_on: [folder]`,
    )
    .action(async (options: ApplyOptions, command: Command) => {
      const shell = shellOf(command)
      const manifest = readManifest(options.file)
      process.exitCode = await withMesh(shell, async (bus) => {
        const mode = options.background ? ('background' as const) : ('auto' as const)
        if (options.dryRun) return dryRun(bus, shell.out, manifest)
        const next = await nextOf(bus, manifest)
        if ('holds' in next) return nothingToDo(shell.out, manifest, next.holds)
        const request = { ...(await sendManifest(bus, next.manifest)), mode, idempotency_key: next.key }
        const { yes = false, timeout: timeoutMs } = options
        if (!options.background) return runShown(shell.out, bus, request, { yes, timeoutMs, by: 'deed apply' })
        const reply = await bus.call(requestExecution, request)
        shell.out.document(reply)
        shell.out.print(
          `accepted: ${shownId(reply.execution_id)}\nSee it with\n  ${deedCommand(`show ${shownId(reply.execution_id)}`)}`,
        )
        return EXIT.success
      })
    })
}

function nothingToDo(out: Output, { name }: Manifest, { steps, reply }: Holding): number {
  out.document({ ...reply, nothing_to_do: true })
  const seen = reply.seen_at === undefined ? 'now' : `at ${moment(reply.seen_at)}`
  out.print(`${plainLine(name)}: nothing to do: ${counted(steps, 'step')} observed ${seen} to be so already`)
  out.print(out.paint('dim', `done before by execution ${shownId(reply.execution_id)}`))
  return EXIT.success
}

/**
 * What is to be asked of the mesh: the key of an execution that runs already or is new; or nothing, since all of it holds.
 *
 * @param before the execution that did the manifest, where this is the same one after it
 */
async function nextOf(
  bus: Bus,
  manifest: Manifest,
  before?: ExecutionDetail,
): Promise<{ key: string; manifest: Manifest } | { holds: Holding }> {
  const keyOf = keysOf(manifest)
  const { number, execution = before } = await newestOf(bus, keyOf)
  if (execution === undefined) return { key: keyOf(1), manifest }
  if (execution.status !== 'done') {
    const runs = execution.status === 'accepted' || !FINAL_EXECUTION_STATUSES.has(execution.status)
    return { key: keyOf(runs ? number : number + 1), manifest }
  }
  const proven = provenBefore(manifest)
  if (canonicalJson(proven) !== canonicalJson(manifest)) return nextOf(bus, proven, execution)
  // It was done then. Whether it is so now is seen by inspecting the targets, and not in that execution's evidence.
  const shown = await bus.call(requestExecution, { ...(await sendManifest(bus, manifest)), dry_run: true })
  const { data } = Compared.safeParse(shown.result?.data)
  if (data === undefined || data.counts.change + data.counts.read + data.counts.open > 0)
    return { key: keyOf(number + 1), manifest }
  const { seen_at, age_ms } = shown
  return { holds: { steps: data.counts.already_so, reply: { ...ExecutionReply.parse(execution), seen_at, age_ms } } }
}

function keysOf(manifest: Manifest): (number: number) => string {
  const digest = sha256(canonicalJson(manifest)).slice(0, DIGEST_CHARS)
  return (number) => `apply:${manifest.name}:${digest}:${number}`
}

/** A manifest that was done: its proofs began to hold with it, so where they hold, nothing is left to do. */
const provenBefore = (manifest: Manifest): Manifest => ({
  ...manifest,
  tasks: manifest.tasks.map(({ action, ...task }) =>
    action ? { ...task, action: { already_so: 'skip' as const, ...action } } : task,
  ),
})

interface Holding {
  steps: number
  /** Of the execution that had done it, with the time at which it was seen to hold now. */
  reply: ExecutionReply
}

/** The keys have been used from the first on, without a gap: the last is found in few look-ups, however many there are. */
async function newestOf(
  bus: Bus,
  keyOf: (number: number) => string,
): Promise<{ number: number; execution: ExecutionDetail | undefined }> {
  let newest: { number: number; execution: ExecutionDetail | undefined } = { number: 0, execution: undefined }
  const isUsed = async (number: number): Promise<boolean> => {
    const execution = await executionOf(bus, keyOf(number))
    if (execution) newest = { number, execution }
    return execution !== undefined
  }
  let free = 1
  while (await isUsed(free)) free *= 2
  while (free - newest.number > 1) {
    const middle = Math.floor((free + newest.number) / 2)
    if (!(await isUsed(middle))) free = middle
  }
  return newest
}

async function executionOf(bus: Bus, key: string): Promise<ExecutionDetail | undefined> {
  try {
    return await bus.call(getExecution, { idempotency_key: key })
  } catch (error) {
    if (error instanceof DeedError && error.code === 'not_found') return undefined
    throw error
  }
}

async function dryRun(bus: Bus, out: Output, manifest: Manifest): Promise<number> {
  const reply = await bus.call(requestExecution, { ...(await sendManifest(bus, manifest)), dry_run: true })
  out.document(reply)
  out.print(dryRunText(reply, out.paint))
  return EXIT.success
}

const Compared = z.object({
  actions: z.array(SealedStep),
  counts: z.object({ tasks: z.int(), already_so: z.int(), change: z.int(), read: z.int(), open: z.int() }),
})

export function addDiff(program: Command): void {
  program
    .command('diff')
    .summary('what a manifest would change; nothing is done')
    .description('Show what a manifest would change in the world as it is now. Nothing is done.')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - for standard input')
    .addHelpText(
      'after',
      `
Example:
  deed diff -f site.yaml

Exit code: 0 nothing would change; 1 something would change, or cannot be known
before it is done. A step that only reads is no change.`,
    )
    .action(async ({ file }: { file: string }, command: Command) => {
      const { out, ...shell } = shellOf(command)
      const manifest = readManifest(file)
      const reply = await withMesh({ out, ...shell }, async (bus) => {
        const { execution } = await newestOf(bus, keysOf(manifest))
        const compared = execution?.status === 'done' ? provenBefore(manifest) : manifest
        return bus.call(requestExecution, { ...(await sendManifest(bus, compared)), dry_run: true })
      })
      const { actions, counts } = Compared.parse(reply.result?.data)
      const tasks = actions.map(({ title, summary, action, effect, diff }) => ({
        title,
        summary,
        outlook: outlookOf(action, effect),
        diff,
      }))
      out.document({ name: manifest.name, ...counts, tasks })
      for (const { title, outlook, summary, diff } of tasks) {
        out.print(`${out.paint(outlook === 'change' ? 'yellow' : 'dim', outlook.padEnd(10))}  ${plainLine(title)}`)
        if (outlook !== 'change') continue
        out.print(`            ${plainLine(summary)}`)
        if (diff !== null) out.print(plainText(diff).replaceAll(/^/gm, '            '))
      }
      const more = counts.change + counts.read + counts.already_so - tasks.length
      if (more > 0) out.print(`and ${more} more`)
      const facts = [
        `${counts.change} would change`,
        `${counts.already_so} already so`,
        ...(counts.read === 0 ? [] : [`${counts.read} only read`]),
        ...(counts.open === 0 ? [] : [`${counts.open} not known before it is done`]),
      ]
      out.print(facts.join(', '))
      process.exitCode = counts.change + counts.open === 0 ? EXIT.success : EXIT.failed
    })
}

const outlookOf = ({ observe_only: observed }: JsonObject, effect: SealedStep['effect']) =>
  observed === true ? 'already so' : effect === 'read' ? 'read' : 'change'

export function addDelete(program: Command): void {
  const command = program
    .command('delete [name]')
    .summary('undo what the executions of a manifest did')
    .description(
      'Undo what the executions of a manifest did, the newest first, in reverse order.\nEach step is verified.',
    )
    .option('-f, --file <file>', 'the manifest, instead of its name')
  addWaiting(addYes(command))
    .addHelpText(
      'after',
      `
Examples:
  deed delete -f site.yaml
  deed delete site

Exit code 0: it is undone.
${WAITING_TEXT}`,
    )
    .action(async (name: string | undefined, options: Waiting & { file?: string; yes?: true }, command: Command) => {
      if ((name === undefined) === (options.file === undefined)) {
        const hint = name !== undefined && existsSync(name) ? '; a file is named with -f' : ''
        throw new UsageError(`name one manifest: by its name or with -f <file>${hint}`)
      }
      const shell = shellOf(command)
      const { out } = shell
      const wanted = name ?? readManifest(options.file ?? '').name
      process.exitCode = await withMesh(shell, async (bus) => {
        const [id, ...older] = await changedBy(bus, await executionsOf(bus, wanted))
        if (id === undefined)
          throw new DeedError('not_found', `no execution of manifest "${wanted}" has done anything that is not undone`)
        const reason = `deed delete ${wanted}`
        if (older.length > 0) {
          const ids = [id, ...older]
          await (options.wait
            ? rollBackMany(out, bus, ids, {}, { reason, timeoutMs: options.timeout, yes: options.yes === true })
            : steerMany(out, bus, ids, {}, { verb: 'rollback', reason }, undefined))
          return Number(process.exitCode ?? EXIT.success)
        }
        using patient = patience(options.timeout)
        const accepted = await bus.call(rollbackExecution, { execution_id: id, reason })
        if (!options.wait) {
          out.document(accepted)
          out.print(`${shownId(id)}  ${paintStatus(out.paint, accepted.status)}`)
          if (accepted.approval_id !== null) out.note(howToDecide(accepted.approval_id))
          return EXIT.success
        }
        const detail = await waitForEnd(out, bus, id, 'rollback', patient.signal, options.yes)
        const reply = ExecutionReply.parse(detail)
        out.document(reply)
        out.print(replyText(reply, out.paint))
        return exitCodeOfVerb('rollback', detail)
      })
    })
}

/** Those that have left something to undo, or cannot be undone. */
async function changedBy(bus: Bus, ids: readonly ExecutionId[]): Promise<ExecutionId[]> {
  const found: ExecutionId[] = []
  for (let from = 0; from < ids.length; from += STEERED_MAX) {
    const asked = { verb: 'rollback', dry_run: true, execution_ids: ids.slice(from, from + STEERED_MAX) } as const
    const { results } = await bus.call(steerExecutions, asked)
    for (const { execution_id: id, error } of results) if (!error?.details?.nothing_changed) found.push(id)
  }
  return found
}

/** Those that have been done, or whose undoing did not come about, the newest first. */
async function executionsOf(bus: Bus, name: string): Promise<ExecutionId[]> {
  const words = `manifest ${name}`
  const found: ExecutionId[] = []
  let cursor: z.input<typeof listExecutions.input>['cursor']
  do {
    const page = await bus.call(listExecutions, {
      text: words,
      limit: 500,
      ...defined({ cursor }),
    })
    for (const { task, status, execution_id: id } of page.executions)
      if (task === words && (status === 'done' || status === 'rollback_failed')) found.push(id)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return found
}
