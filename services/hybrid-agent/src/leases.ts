/**
 * The tasks that this worker runs: its heartbeat extends their leases and returns the tasks that must stop.
 *
 * A lease is measured on the worker's own clock, from before the heartbeat was sent, so a partitioned worker stops
 * before another one starts.
 */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { FencingToken, TaskId } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import { heartbeatWorker } from '@deed/proto/task'
import type { Log } from '@deed/telemetry/logger'
import { noticeSilence } from '@deed/worker/notice-silence'

const HEARTBEAT_MS = 2_000
/**
 * The fraction of a lease after which a heartbeat's answer is no longer awaited: several heartbeats may be in flight.
 */
const ANSWER_PART = 3 / 4
/** Used until the first heartbeat reply gives the real lease time. */
const LEASE_MS_FIRST = 10_000

export interface Leases extends AsyncDisposable {
  /** Runs `work` until it ends or its lease expires; `signal` aborts when the lease is lost. */
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

/** Disposing aborts the running tasks, which are then redelivered, and deregisters the worker. */
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
        else task.controller.abort(new DeedError('cancelled', 'the task was cancelled'))
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
      if (draining) throw new DeedError('unavailable', 'this worker is draining and takes no more work')
      // A redelivery of a task that runs here: the outcome of the first delivery answers both.
      if ([...running].some((held) => held.task_id === task_id))
        throw new DeedError('lease_lost', 'the task already runs on this worker')
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
