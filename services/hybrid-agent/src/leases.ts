/**
 * The tasks that this worker holds: its heartbeat extends their leases and brings back what must stop.
 *
 * A lease is counted on the worker's own clock, from before the heartbeat was sent, so a worker that nobody hears stops
 * by itself before another one begins.
 */
import type { Bus } from '@deed/mesh/bus'
import { noticeSilence } from '@deed/mesh/notice-silence'
import { DeedError } from '@deed/proto/errors'
import type { FencingToken, TaskId } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import { heartbeatWorker } from '@deed/proto/task'
import type { Log } from '@deed/telemetry/logger'

const HEARTBEAT_MS = 2_000
/** The part of a lease for which an answer is worth waiting: several heartbeats may be under way. */
const ANSWER_PART = 3 / 4
/** Until the first answer has told the real one. */
const LEASE_MS_FIRST = 10_000

export interface Leases extends AsyncDisposable {
  /** Runs `work` until it ends or its lease does; `signal` says that it has lost its right to go on. */
  hold<T>(task: Held, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

export interface Held {
  readonly task_id: TaskId
  readonly token: FencingToken
}

interface Running extends Held {
  readonly controller: AbortController
  endsAt: number
}

/** Disposing gives up what runs, which is then handed out again, and says farewell. */
export async function startLeases(options: { bus: Bus; workerId: string; slots: number; log: Log }): Promise<Leases> {
  const { bus, workerId, slots, log } = options
  const running = new Set<Running>()
  const silence = noticeSilence(bus)
  let leaseMs = LEASE_MS_FIRST
  let draining = false

  const beat = async (): Promise<void> => {
    const sentAt = performance.now()
    const held = [...running]
    try {
      const tasks = held.map(({ task_id, token }) => ({ task_id, token }))
      const beating = { worker_id: workerId, capability: 'solve' as const, slots, running: tasks, draining }
      const timeoutMs = draining
        ? heartbeatWorker.timeoutMs
        : Math.max(heartbeatWorker.timeoutMs, leaseMs * ANSWER_PART)
      const reply = await bus.call(heartbeatWorker, beating, {
        timeoutMs,
        principal: serviceAs('hybrid-agent'),
      })
      silence.answered()
      leaseMs = reply.lease_ms
      const stopped = new Set(reply.stop.map(({ task_id, token }) => `${task_id}/${token}`))
      for (const task of held) {
        if (!stopped.has(`${task.task_id}/${task.token}`)) task.endsAt = Math.max(task.endsAt, sentAt + leaseMs)
        else task.controller.abort(new DeedError('cancelled', 'the task is no longer wanted'))
      }
    } catch (error) {
      log.warn({ err: error }, 'heartbeat was not answered')
      silence.unanswered()
    }
    for (const { endsAt, controller } of running) {
      if (endsAt < performance.now())
        controller.abort(new DeedError('lease_lost', 'the lease ended before it was extended'))
    }
  }

  await beat()
  const timer = setInterval(() => void beat(), HEARTBEAT_MS)

  return {
    async hold({ task_id, token }, work) {
      if (draining) throw new DeedError('unavailable', 'this worker takes no more work')
      // A second message of what runs here: the first one's outcome answers for both.
      if ([...running].some((held) => held.task_id === task_id))
        throw new DeedError('lease_lost', 'the task is held already')
      const task: Running = { task_id, token, controller: new AbortController(), endsAt: performance.now() + leaseMs }
      running.add(task)
      try {
        return await work(task.controller.signal)
      } finally {
        running.delete(task)
      }
    },
    async [Symbol.asyncDispose]() {
      draining = true
      clearInterval(timer)
      for (const { controller } of running)
        controller.abort(new DeedError('unavailable', 'this worker is shutting down'))
      await beat()
      silence[Symbol.dispose]()
    },
  }
}
