/** The slots and the concurrency keys of the attempts that this replica has handed out, until they end. */
import type { Action } from '@deed/proto/action'
import type { TaskId } from '@deed/proto/ids'
import type { Pace } from '@deed/proto/task'
import type { Draft } from '../execution/draft.ts'
import { keysOf } from '../execution/keys-of.ts'
import { isAct, type TaskRow } from '../execution/snapshot.ts'
import type { Capacity, Slot } from './capacity.ts'
import type { ConcurrencyKeys } from './concurrency-keys.ts'

export interface HeldSlots {
  slotOf(task: TaskRow): Slot
  /** After a commit: holds what its leases have taken, and releases what has ended. */
  follow(draft: Draft): void
  tasks(): ReadonlySet<string>
  /**
   * Releases the slots of attempts that ended elsewhere.
   *
   * @param askedAt when the list was requested, on the clock of `performance.now()`; it does not contain later attempts
   */
  keepOnly(running: ReadonlySet<string>, askedAt: number): void
}

interface Options {
  capacity: Pick<Capacity, 'release'>
  keys: Pick<ConcurrencyKeys, 'take' | 'release'>
  paceOf(action: Action): Pace
}

export function heldSlots({ capacity, keys, paceOf }: Options): HeldSlots {
  /** By task. */
  const held = new Map<string, { slot: Slot; at: number }>()

  const slotOf = (task: TaskRow): Slot => ({
    capability: task.capability,
    pace: isAct(task) && task.desired_status !== 'undone' ? paceOf(task.spec) : 'long',
  })

  return {
    slotOf,
    follow(draft) {
      const at = performance.now()
      const free: Slot[] = []
      for (const { task, again } of draft.leases) {
        // The slot of a repeated dispatch is counted already, here or where it was leased.
        if (again) continue
        const before = held.get(task.task_id)
        // Leased again in the step that ended its attempt: the slot of that attempt is free.
        if (before) free.push(before.slot)
        held.set(task.task_id, { slot: slotOf(task), at })
        keys.take(keysOf(task), task.task_id)
      }
      for (const id of draft.actualChanged) {
        const task = draft.tasks.get(id)
        const ended = held.get(id)
        if (ended !== undefined && task?.actual_status !== 'in_progress') {
          held.delete(id)
          keys.release(id)
          free.push(ended.slot)
        }
      }
      for (const slot of free) capacity.release(slot)
    },
    tasks: () => new Set(held.keys()),
    keepOnly(running, askedAt) {
      for (const [id, { slot, at }] of held) {
        if (running.has(id) || at > askedAt) continue
        held.delete(id)
        keys.release(id as TaskId)
        capacity.release(slot)
      }
    },
  }
}
