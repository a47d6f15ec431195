/** What one step of the reconciler may take: slots, concurrency keys, the rates of targets. */
import type { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import type { Limits } from '../reconcile/input.ts'
import { type Capacity, type Slot, slotRequestOf } from './capacity.ts'
import type { ConcurrencyKeys } from './concurrency-keys.ts'
import type { Decisions } from './hear-decisions.ts'
import type { HeldSlots } from './held-slots.ts'
import type { TargetRates } from './target-rates.ts'

/** What is the same for all steps. */
export interface LimitSources extends Pick<Limits, 'leaseMs' | 'autoRollback' | 'policyVersion'> {
  capacity: Pick<Capacity, 'take'>
  rates: TargetRates
  decisions: Pick<Decisions, 'isHeld'>
  keys: Pick<ConcurrencyKeys, 'isFree' | 'wait'>
  slotOf: HeldSlots['slotOf']
}

/** What a step has taken, and what it leaves to be done after its commit. */
export interface Taken {
  readonly slots: Slot[]
  /** Approvals whose steps have to be inspected before they are requested. */
  readonly uninspected: ApprovalId[]
  /** Tasks whose decisions are to be asked for. */
  readonly proposals: TaskId[]
}

export function limitsFor(sources: LimitSources, id: ExecutionId, taken: Taken, keysBusy: boolean): Limits {
  const { leaseMs, autoRollback, policyVersion, capacity, rates, decisions, keys, slotOf } = sources
  /** Keys that this step itself takes. */
  const granted = new Set<string>()
  return {
    leaseMs,
    autoRollback,
    policyVersion,
    takeSlot(task, execution) {
      const slot = slotOf(task)
      const isTaken = capacity.take(slot, slotRequestOf(execution))
      if (isTaken) taken.slots.push(slot)
      return isTaken
    },
    keysFree(wanted) {
      const busy = wanted.filter((key) => keysBusy || granted.has(key) || !keys.isFree(key))
      // Also if only the table knows that the key is busy: a faster local attempt releases it soon.
      for (const key of busy) keys.wait(key, id)
      if (busy.length > 0) return false
      for (const key of wanted) granted.add(key)
      return true
    },
    mayBegin(target, execution, task) {
      // What only reads does not act on it.
      if (slotOf(task).pace !== 'read' && decisions.isHeld(execution.tenant, target, id)) return false
      return rates.mayBegin(target, slotRequestOf(execution))
    },
    began: rates.began,
    mayAsk({ approval_id: approvalId, level }, { dependencies }) {
      // A step that the plan itself asks for was inspected just before.
      if (level < 3 || dependencies.length === 0) return true
      taken.uninspected.push(approvalId)
      return false
    },
    propose: ({ task_id: id }) => void taken.proposals.push(id),
    random: Math.random,
  }
}
