/** Asking for a task and staying with it to its end, through restarts of NATS and of the orchestrator. */
import { randomUUIDv7 } from 'node:crypto'
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { ExecutionReply, type ExecutionRequest, requestExecution } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { z } from 'zod'
import { followExecution, type Watcher } from './follow-execution.ts'

export interface RunOptions extends Watcher {
  /** How long to wait for the end, in milliseconds. */
  timeoutMs: number
}

/**
 * The reply when the execution has ended, or is paused since its budget is spent; where it has not at the end of the
 * time, its state then. It continues without its caller.
 *
 * @throws {DeedError} when the request is refused, or nobody answered and no execution is known
 */
export async function runTask(
  bus: Bus,
  request: z.input<typeof ExecutionRequest>,
  { timeoutMs, ...watcher }: RunOptions,
): Promise<ExecutionReply> {
  const key = request.idempotency_key ?? randomUUIDv7()
  const stop = new AbortController()
  const late = setTimeout(() => stop.abort(), timeoutMs)
  // The key makes a repeat harmless, so the answer is asked for again wherever it may have got lost.
  const answered = new AbortController()
  const options = { timeoutMs, repeat: true, signal: answered.signal }
  const asked = bus.call(requestExecution, { ...request, idempotency_key: key }, options)
  if (request.dry_run) return asked.finally(() => clearTimeout(late))
  const followed = followExecution(bus, { idempotency_key: key }, { isEnd: hasStopped, ...watcher }, stop.signal)
  const fromEnd = followed.then((detail) => (detail && hasStopped(detail) ? ExecutionReply.parse(detail) : undefined))
  fromEnd.catch(() => undefined)
  try {
    const first = await Promise.race([asked, fromEnd.then((end) => end ?? asked)])
    if (hasStopped(first)) return first
    // Accepted, to go on in the background: its end is in sight all the same.
    return (await fromEnd) ?? ExecutionReply.parse((await followed) ?? first)
  } catch (error) {
    if (!(error instanceof DeedError && error.retryable)) throw error
    const seen = await followed
    if (seen) return ExecutionReply.parse(seen)
    throw error
  } finally {
    clearTimeout(late)
    stop.abort()
    // A paused execution has no answer yet, which nobody waits for any longer.
    answered.abort()
    await Promise.allSettled([followed, asked])
  }
}

export const hasEnded = ({ status }: Pick<ExecutionReply, 'status'>): boolean =>
  status !== 'accepted' && FINAL_EXECUTION_STATUSES.has(status)

/** It has ended, or is paused for a reason that only its caller can remove. */
const hasStopped = (reply: Pick<ExecutionReply, 'status' | 'error'>): boolean =>
  hasEnded(reply) || (reply.status === 'paused' && reply.error !== undefined)
