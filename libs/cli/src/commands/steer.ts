/** deed cancel, pause, resume and retry: an execution is stopped, holds still, continues, or is tried again. */
import { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { cancelExecution, pauseExecution, resumeExecution, retryExecution } from '@deed/proto/steering'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../connect/shell.ts'
import { addScope, isMany, type Scope, steerMany } from '../following/steer-executions.ts'
import {
  addWaiting,
  addYes,
  exitCodeOfVerb,
  patience,
  WAITING_TEXT,
  type Waiting,
  waitForEnd,
} from '../following/wait-for-end.ts'
import { replyText } from '../show/execution.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { wholeId } from '../terminal/find-id.ts'
import { number } from '../terminal/options.ts'
import { paintStatus } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'

const VERBS = [
  {
    verb: 'cancel',
    contract: cancelExecution,
    summary: 'stop executions, and with --undo undo what they did',
    description: 'Stop executions. What was done stays done unless --undo is given.',
    success: 'it is cancelled; with --undo, what it did is undone',
    example: 'deed cancel 5f6a7b8c --undo --reason "wrong customer"',
  },
  {
    verb: 'pause',
    contract: pauseExecution,
    summary: 'hold executions; what runs, ends',
    description: 'Start no more tasks of an execution. What runs, ends.',
    success: 'nothing of it runs any more',
    example: 'deed pause 5f6a7b8c --reason "maintenance"',
  },
  {
    verb: 'resume',
    contract: resumeExecution,
    summary: 'go on with paused executions',
    description: 'Resume a paused execution.',
    success: 'it continues, whatever its outcome',
    example: 'deed resume 5f6a7b8c --budget 2',
  },
  {
    verb: 'retry',
    contract: retryExecution,
    summary: 'try again what failed, was cancelled or was undone',
    description:
      'Try again what failed, was cancelled or was undone, and keep what is done.\nApproval is asked for again where there was an effect before.',
    success: 'it is done and verified. 1: it ended otherwise, or waits',
    example: 'deed retry 5f6a7b8c --reason "the disk has room again"',
  },
] as const

interface SteerOptions extends Scope, Waiting {
  undo?: true
  pauseGoals?: true
  reason?: string
  budget?: number
  yes?: true
}

export function addSteering(program: Command): void {
  for (const { verb, contract, summary, description, success, example } of VERBS) {
    const command = addScope(program.command(`${verb} [executions...]`).summary(summary).description(description))
    if (verb === 'cancel') {
      command.option('--undo', 'undo what was done')
      command.option('--pause-goals', 'with --undo: pause the goals that keep what it did')
    }
    if (verb === 'resume') command.option('--budget <usd>', 'what its models may cost from now on, all in all', number)
    if (verb === 'resume' || verb === 'retry') addYes(command)
    addWaiting(command.option('--reason <text>', 'kept in the audit log'))
      .addHelpText(
        'after',
        `
Examples:
  ${example}
  deed ${verb} --target demo-api

Exit code 0: ${success}.
${WAITING_TEXT}`,
      )
      .action(async (executions: string[], options: SteerOptions, command: Command) => {
        const { undo, pauseGoals, reason, budget, wait, timeout, yes = false, ...scope } = options
        const shell = shellOf(command)
        const { out } = shell
        const wish = {
          ...(undo ? { undo } : {}),
          ...(pauseGoals ? { pause_goals: true } : {}),
          ...defined({ reason }),
        }
        await withMesh(shell, async (bus) => {
          if (isMany(executions, scope)) {
            if (budget !== undefined) throw new UsageError('--budget is for one execution')
            return steerMany(out, bus, executions, scope, { verb, ...wish }, wait ? timeout : undefined, yes)
          }
          const id = await wholeId<ExecutionId>(bus, ['execution'], executions[0] ?? '')
          using patient = patience(timeout)
          const reply = await bus.call(contract, { execution_id: id, ...wish, ...defined({ budget_usd: budget }) })
          if (!wait) {
            out.document(reply)
            out.print(`${shownId(reply.execution_id)}  ${paintStatus(out.paint, reply.status)}`)
            return
          }
          const detail = await waitForEnd(out, bus, reply.execution_id, verb, patient.signal, yes)
          const end = ExecutionReply.parse(detail)
          out.document(end)
          out.print(replyText(end, out.paint))
          process.exitCode = exitCodeOfVerb(verb, detail)
        })
      })
  }
}
