/** Runs a request at the terminal, and shows how it ended, or what to do where it has not. */
import type { Bus } from '@deed/mesh/bus'
import type { ExecutionReply } from '@deed/proto/execution'
import { replyText } from '../show/execution.ts'
import { progressText } from '../show/progress.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { exitCodeOfReply } from '../terminal/exit-code.ts'
import type { Output } from '../terminal/output.ts'
import { shownId } from '../terminal/terminal.ts'
import { decide } from './ask-to-decide.ts'
import { hasEnded, runTask } from './run-task.ts'

interface RunShownOptions {
  /** Approve what is of level 1 without asking. */
  yes: boolean
  timeoutMs: number
  /** The command that asks, such as `deed apply`. */
  by: string
}

/** @returns the exit code */
export async function runShown(
  out: Output,
  bus: Bus,
  request: Parameters<typeof runTask>[1],
  { yes, timeoutMs, by }: RunShownOptions,
): Promise<number> {
  const askedAt = performance.now()
  const reply = await runTask(bus, request, {
    timeoutMs,
    onEvent: (event) => out.progress(progressText(event)),
    onApproval: (approval, decided) => decide({ out, yes, by }, bus, approval, decided),
  })
  out.document(reply)
  out.print(replyText(reply, out.paint, askedAt))
  noteNext(out, reply)
  return exitCodeOfReply(reply)
}

/** What to do about an execution that has not ended. */
export function noteNext(out: Output, reply: ExecutionReply): void {
  if (hasEnded(reply)) return
  const id = shownId(reply.execution_id)
  if (reply.status === 'paused') out.note(`It is paused. Continue it with\n  ${deedCommand(`resume ${id}`)}`)
  else out.note(`It continues. See its status with\n  ${deedCommand(`show ${id}`)}`)
}
