/** deed cancel, pause, resume and retry: an execution is stopped, holds still, goes on, or is tried again. */

import { ExecutionReply } from '@deed/proto/execution'
import { defined } from '@deed/proto/json'
import { cancelExecution, pauseExecution, resumeExecution, retryExecution } from '@deed/proto/steering'
import type { Command } from 'commander'
import { shellOf, withMesh } from '../shell.ts'
import { replyText } from '../show/execution.ts'
import { paintStatus } from '../show/paint.ts'
import { addScope, isMany, type Scope, steerMany } from '../steer-many.ts'
import { addWaiting, exitCodeOfVerb, patience, WAITING_TEXT, type Waiting, waitForEnd } from '../wait-for-end.ts'
import { idOf } from './show.ts'

const VERBS = [
  {
    verb: 'cancel',
    contract: cancelExecution,
    description: 'stop executions; what was done stays done unless --undo is given',
    success: 'it is cancelled, with --undo what it did is undone too',
  },
  {
    verb: 'pause',
    contract: pauseExecution,
    description: 'hand nothing more out for an execution; what runs, ends',
    success: 'nothing of it runs any more',
  },
  {
    verb: 'resume',
    contract: resumeExecution,
    description: 'go on with a paused execution',
    success: 'it is done. 1: it ended otherwise, or waits for a person',
  },
  {
    verb: 'retry',
    contract: retryExecution,
    description:
      'try again what failed, was cancelled or undone, keeping what is done; what had an effect before is asked for again',
    success: 'it is done. 1: it ended otherwise, or waits for a person',
  },
] as const

interface SteerOptions extends Scope, Waiting {
  undo?: true
  pauseGoals?: true
  reason?: string
}

export function addSteering(program: Command): void {
  for (const { verb, contract, description, success } of VERBS) {
    const command = addScope(program.command(`${verb} [executions...]`).description(description))
    if (verb === 'cancel') {
      command.option('--undo', 'undo what was done')
      command.option('--pause-goals', 'with --undo: pause the goals that keep it, which is refused otherwise')
    }
    addWaiting(command.option('--reason <text>', 'kept in the audit log'))
      .addHelpText(
        'after',
        `
Examples:
  deed ${verb} 01997d0e-... --reason "maintenance"
  deed ${verb} --target demo-api

Exit code 0: ${success}. 2: refused.
${WAITING_TEXT}`,
      )
      .action(async (executions: string[], options: SteerOptions, command: Command) => {
        const { undo, pauseGoals, reason, wait, timeout, ...scope } = options
        const shell = shellOf(command)
        const { out } = shell
        const wish = {
          ...(undo ? { undo } : {}),
          ...(pauseGoals ? { pause_goals: true } : {}),
          ...defined({ reason }),
        }
        await withMesh(shell, async (bus) => {
          if (isMany(executions, scope)) {
            return steerMany(out, bus, executions, scope, { verb, ...wish }, wait ? timeout : undefined)
          }
          using patient = patience(timeout)
          const reply = await bus.call(contract, { execution_id: idOf(executions[0] ?? ''), ...wish })
          if (!wait) {
            out.document(reply)
            out.print(`${reply.execution_id}  ${paintStatus(out.paint, reply.status)}`)
            return
          }
          const detail = await waitForEnd(out, bus, reply.execution_id, verb, patient.signal)
          const end = ExecutionReply.parse(detail)
          out.document(end)
          out.print(replyText(end, out.paint))
          process.exitCode = exitCodeOfVerb(verb, detail)
        })
      })
  }
}
