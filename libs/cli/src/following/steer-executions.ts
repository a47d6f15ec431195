/** One verb for many executions: which, what came of each, and an exit code that says whether all went well. */

import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import { rollbackExecution, type SteerResult, steerExecutions } from '@deed/proto/steering'
import type { Command } from 'commander'
import type { z } from 'zod'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { wholeId } from '../terminal/find-id.ts'
import type { Output } from '../terminal/output.ts'
import { paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'
import { exitCodeOfVerb, patience, type Verb, waitForEnd } from './wait-for-end.ts'

export interface Scope {
  template?: string
  target?: string
  all?: true
  dryRun?: true
}

type Wish = Pick<z.input<typeof steerExecutions.input>, 'undo' | 'pause_goals' | 'reason'> & { verb: Verb }

export const addScope = (command: Command): Command =>
  command
    .option('--template <id>', 'executions that used this template')
    .option('--target <name>', 'executions with an action on this target')
    .option('--all', 'all executions that it applies to')
    .option('--dry-run', 'show which, and do nothing')

/** @throws {UsageError} where nothing says which executions, or two things do */
export function isMany(ids: readonly string[], { template, target, all, dryRun }: Scope): boolean {
  const scoped = template !== undefined || target !== undefined || all === true
  if (scoped === ids.length > 0) throw new UsageError('say which: by ids, or by --template, --target or --all')
  return scoped || ids.length > 1 || dryRun === true
}

/** @param timeoutMs how long to wait for the end of all of them; undefined: not at all */
export async function steerMany(
  out: Output,
  bus: Bus,
  ids: readonly string[],
  scope: Scope,
  wish: Wish,
  timeoutMs: number | undefined,
  yes = false,
): Promise<void> {
  if (timeoutMs === undefined || scope.dryRun) return showResults(out, await steerEach(bus, ids, scope, wish))
  using patient = patience(timeoutMs)
  const results = await steerEach(bus, ids, scope, wish)
  const ended: SteerResult[] = []
  // One after the other: they end side by side.
  for (const result of results)
    ended.push(result.error ? result : await endOf(out, bus, result, wish.verb, patient.signal, yes))
  showResults(out, ended)
}

async function endOf(
  out: Output,
  bus: Bus,
  { execution_id }: SteerResult,
  verb: Verb,
  signal: AbortSignal,
  yes = false,
): Promise<SteerResult> {
  const detail = await waitForEnd(out, bus, execution_id, verb, signal, yes)
  if (exitCodeOfVerb(verb, detail) !== EXIT.success) process.exitCode = EXIT.failed
  return { execution_id, ...(detail.status === 'accepted' ? {} : { status: detail.status }) }
}

/**
 * One after the other, the newest first, each to its end: what a newer one has changed again is as it was, when it is the
 * older one's turn. Those behind one that nobody waits for any longer are not asked for.
 *
 * @param timeoutMs for each
 */
export async function rollBackMany(
  out: Output,
  bus: Bus,
  ids: readonly string[],
  { dryRun, ...scope }: Scope,
  { timeoutMs, yes, ...why }: { reason?: string; pause_goals?: boolean; timeoutMs: number; yes: boolean },
): Promise<void> {
  const found = await steerEach(bus, ids, { ...scope, dryRun: true }, { verb: 'rollback' })
  if (dryRun) return showResults(out, found)
  const newestFirst = found.map(({ execution_id: id }) => id).sort((one, other) => (one < other ? 1 : -1))
  const results: SteerResult[] = []
  for (const id of newestFirst) {
    const which = { execution_id: id }
    try {
      using patient = patience(timeoutMs)
      await bus.call(rollbackExecution, { ...which, ...why })
      const result = await endOf(out, bus, which, 'rollback', patient.signal, yes)
      const error = new DeedError('compensation_failed', `it is ${result.status}; deed get reviews`).body
      results.push({ ...result, ...(result.status === 'rolled_back' ? {} : { error }) })
      if (patient.signal.aborted) {
        out.note(`${newestFirst.length - results.length} older ones are as they were`)
        break
      }
    } catch (error) {
      if (!(error instanceof DeedError)) throw error
      results.push({ ...which, error: error.body })
    }
  }
  showResults(out, results)
}

async function steerEach(bus: Bus, ids: readonly string[], scope: Scope, wish: Wish): Promise<SteerResult[]> {
  const { template, target, all, dryRun } = scope
  const input = {
    ...wish,
    ...(ids.length > 0 ? { execution_ids: await wholeIds(bus, ids) } : {}),
    ...(template === undefined ? {} : { template }),
    ...(target === undefined ? {} : { target }),
    ...(all ? { all } : {}),
    ...(dryRun ? { dry_run: true } : {}),
  }
  let reply = await bus.call(steerExecutions, input)
  const results = [...reply.results]
  while (reply.next_cursor !== null) {
    reply = await bus.call(steerExecutions, { ...input, cursor: reply.next_cursor })
    results.push(...reply.results)
  }
  return results
}

const wholeIds = (bus: Bus, ids: readonly string[]): Promise<ExecutionId[]> =>
  Promise.all(ids.map((id) => wholeId<ExecutionId>(bus, ['execution'], id)))

function showResults(out: Output, results: readonly SteerResult[]): void {
  out.document({ results })
  for (const { execution_id: id, status, error, level = 0, approval_id: approval } of results) {
    const agreement = approval ? `; deed approve ${shownId(approval)}` : ''
    const text = error
      ? `${out.paint('red', error.code)}: ${plainLine(error.message)}`
      : `${paintStatus(out.paint, status ?? '-')}${level > 0 ? `  needs approval of level ${level}${agreement}` : ''}`
    out.print(`${shownId(id)}  ${text}`)
  }
  if (results.length === 0) out.note('there is no execution that it applies to')
  if (results.some(({ error }) => error)) process.exitCode = EXIT.failed
}
