/**
 * The tasks that a worker holds: its heartbeat announces its slots every two seconds; the answer extends the leases of
 * what runs, and names what must stop.
 */
import type { Bus } from '@deed/mesh/bus'
import type { ServiceName } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import type { FencingToken, TaskId } from '@deed/proto/ids'
import { serviceAs } from '@deed/proto/permissions'
import type { Capability } from '@deed/proto/states'
import { heartbeatWorker } from '@deed/proto/task'
import type { Log } from '@deed/telemetry/logger'
import type { Lease } from './lease.ts'
import { noticeSilence } from './notice-silence.ts'

const HEARTBEAT_MS = 2_000
/** The part of a lease for which an answer is worth waiting: several heartbeats may be under way. */
const ANSWER_PART = 3 / 4

export interface Task {
  readonly task_id: TaskId
  readonly token: FencingToken
}

export interface Worker {
  readonly bus: Bus
  readonly log: Log
  readonly service: ServiceName
  readonly capability: Capability
  readonly workerId: string
  /** Tasks that it holds at once. */
  readonly slots: number
}

/** Disposing sends a last heartbeat, with what is still held. */
export interface Leases extends AsyncDisposable {
  /**
   * Holds a task until what is returned is disposed.
   *
   * @param open makes its lease; in milliseconds, how long one lasts, once the orchestrator has said it
   * @returns undefined where this attempt, or a newer one, is held already: its outcome answers for both
   * @throws where an older attempt is held: it is stopped, and the message is to come again once it has ended
   */
  hold<L extends Lease>(task: Task, open: (leaseMs: number | undefined) => L): (Disposable & { lease: L }) | undefined
  /** Announces that this worker takes no more. */
  drain(): Promise<void>
  /** Ends whatever is held, and what is held from now on. */
  stopAll(reason: DeedError): void
}

/** Resolves once the first heartbeat was answered, or has failed. */
export async function openLeases({ bus, log, service, capability, workerId, slots }: Worker): Promise<Leases> {
  const running = new Map<TaskId, { task: Task; lease: Lease }>()
  const silence = noticeSilence(bus)
  const principal = serviceAs(service)
  let draining = false
  let stopped: DeedError | undefined
  let leaseMs: number | undefined

  const beat = async (): Promise<void> => {
    const sentAt = performance.now()
    const held = [...running.values()]
    const tasks = held.map(({ task: { task_id, token } }) => ({ task_id, token }))
    const timeoutMs = draining
      ? heartbeatWorker.timeoutMs
      : Math.max(heartbeatWorker.timeoutMs, (leaseMs ?? 0) * ANSWER_PART)
    try {
      const beating = { worker_id: workerId, capability, slots, running: tasks, draining }
      const reply = await bus.call(heartbeatWorker, beating, { timeoutMs, principal })
      silence.answered()
      leaseMs = reply.lease_ms
      const ends = new Set(reply.stop.map(nameOf))
      for (const { task, lease } of held) {
        if (ends.has(nameOf(task))) lease.stop(new DeedError('cancelled', 'the task is no longer wanted'))
        else lease.extend(sentAt + leaseMs)
      }
    } catch (error) {
      log.warn({ err: error }, 'heartbeat was not answered')
      silence.unanswered()
    }
    for (const { lease } of running.values()) lease.expire()
  }

  await beat()
  const timer = setInterval(() => void beat(), HEARTBEAT_MS)
  return {
    hold(task, open) {
      const current = running.get(task.task_id)
      if (current) {
        if (current.task.token >= task.token) return undefined
        current.lease.stop(new DeedError('lease_lost', 'the task was handed out again'))
        throw new Error('an older attempt at the task is being ended here')
      }
      const lease = open(leaseMs)
      if (stopped) lease.stop(stopped)
      running.set(task.task_id, { task, lease })
      return { lease, [Symbol.dispose]: () => void running.delete(task.task_id) }
    },
    async drain() {
      draining = true
      await beat()
    },
    stopAll(reason) {
      stopped = reason
      for (const { lease } of running.values()) lease.stop(reason)
    },
    async [Symbol.asyncDispose]() {
      draining = true
      clearInterval(timer)
      await beat()
      silence[Symbol.dispose]()
    },
  }
}

const nameOf = ({ task_id, token }: Task): string => `${task_id}/${token}`
