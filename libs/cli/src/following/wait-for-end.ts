/**
 * What follows a verb: its wish is durable at once, the work that it means ends later. The command waits for that and
 * ends as the work did; the work continues when nobody waits any more.
 */
import type { Bus } from '@deed/mesh/bus'
import type { ApprovalView } from '@deed/proto/approval'
import { type ExecutionDetail, getExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { PersonTask } from '@deed/proto/person'
import { type ExecutionStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { Command } from 'commander'
import { progressText } from '../show/progress.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT, exitCodeOfReply } from '../terminal/exit-code.ts'
import { timeoutOption } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { shownId } from '../terminal/terminal.ts'
import { askToChoose } from './ask-to-choose.ts'
import { decide } from './ask-to-decide.ts'
import { followExecution } from './follow-execution.ts'

const TIMEOUT_MS = 120_000

export type Verb = 'cancel' | 'pause' | 'resume' | 'retry' | 'rollback'

export interface Waiting {
  wait: boolean
  /** In milliseconds. */
  timeout: number
}

export const addWaiting = (command: Command): Command =>
  command
    .option('--no-wait', 'end once the request is recorded, before the work has ended')
    .addOption(timeoutOption('how long to wait for its end, such as 90s or 5m', TIMEOUT_MS))

/** Of those verbs that may have to be agreed to. */
export const addYes = (command: Command): Command =>
  command.option('-y, --yes', 'approve what needs level 1; higher levels are asked for all the same')

/** Of the help of every verb. */
export const WAITING_TEXT =
  'Ctrl+C ends the waiting, not the work. With --no-wait, exit code 0 means that\nthe request was recorded.'

export interface Patience extends Disposable {
  readonly signal: AbortSignal
}

/** Ends with the time, or with Ctrl+C, of which a second one ends the process. Begins before the request is sent. */
export function patience(timeoutMs: number): Patience {
  const stop = new AbortController()
  const give = (): void => stop.abort()
  const timer = setTimeout(give, timeoutMs)
  process.once('SIGINT', give)
  return {
    signal: stop.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      process.off('SIGINT', give)
    },
  }
}

/**
 * What a rollback, a retry or a resumed execution needs agreement for is asked about at the terminal.
 *
 * @param yes agree to what is of level 1 without asking
 * @returns its state when the verb's work has ended, or nobody waits any longer
 */
export async function waitForEnd(
  out: Output,
  bus: Bus,
  id: ExecutionId,
  verb: Verb,
  signal: AbortSignal,
  yes = false,
): Promise<ExecutionDetail> {
  const which = { execution_id: id }
  const asks = verb === 'rollback' || (goesForward(verb) && (yes || out.interactive))
  let unanswered = !asks
  const isEnd = (detail: ExecutionDetail): boolean =>
    hasEnded(verb, detail) && (unanswered || detail.status !== 'waiting' || detail.approval_id === undefined)
  const watcher = {
    isEnd,
    onEvent: (event: Parameters<typeof progressText>[0]) => out.progress(progressText(event)),
    ...(asks
      ? {
          async onApproval(approval: ApprovalView, decided: AbortSignal) {
            if (!(await decide({ out, yes, by: `deed ${verb}` }, bus, approval, decided))) unanswered = true
          },
          async onQuestion(question: PersonTask, decided: AbortSignal) {
            if (!(await askToChoose(out, bus, question, decided))) unanswered = true
          },
        }
      : {}),
  }
  const seen = await followExecution(bus, which, watcher, signal)
  const detail = seen && isEnd(seen) ? seen : await bus.call(getExecution, which)
  const see = deedCommand(`show ${shownId(id)}`)
  if (!asks && detail.status === 'waiting') out.note(`It waits for a decision. See what is asked with\n  ${see}`)
  if (!hasEnded(verb, detail)) out.note(`It continues. See its status with\n  ${see}`)
  return detail
}

/** What goes forward ends, or waits for a person; what is to hold still has nothing left that runs. */
function hasEnded(verb: Verb, { status, tasks, approval_id: asked }: ExecutionDetail): boolean {
  if (status === 'accepted') return false
  // Whether to undo is asked while the execution stays as it has ended.
  if (verb === 'rollback' && asked !== undefined) return false
  if (FINAL_EXECUTION_STATUSES.has(status)) return true
  if (verb === 'pause') return status === 'paused' && tasks.every((task) => task.actual_status !== 'in_progress')
  return goesForward(verb) && (status === 'waiting' || status === 'paused')
}

const goesForward = (verb: Verb): boolean => verb === 'resume' || verb === 'retry'

const WANTED: Record<Exclude<Verb, 'resume' | 'retry'>, ExecutionStatus> = {
  cancel: 'cancelled',
  pause: 'paused',
  rollback: 'rolled_back',
}

/** 0 where it has come to what the verb wants: of resume that it continues, whatever its outcome, of retry that it is done. */
export function exitCodeOfVerb(verb: Verb, detail: ExecutionDetail): number {
  if (verb === 'retry') return exitCodeOfReply(detail)
  if (verb === 'resume') return detail.status === 'paused' ? EXIT.failed : EXIT.success
  return detail.status === WANTED[verb] && hasEnded(verb, detail) ? EXIT.success : EXIT.failed
}
