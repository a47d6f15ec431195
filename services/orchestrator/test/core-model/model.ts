/** The state of the model of the core: an execution, what its workers hold, and what its surroundings allow. */
import type { FencingToken, TaskId } from '@deed/proto/ids'
import type { Draft } from '../../src/execution/draft.ts'
import type { Snapshot, TaskRow } from '../../src/execution/snapshot.ts'
import type { Limits } from '../../src/reconcile/input.ts'

export const LEASE_MS = 10_000

/** An attempt that was handed out: its holder may report at any time, or never. */
export interface Attempt {
  taskId: TaskId
  token: FencingToken
  intent: TaskRow['intent']
}

export interface Model {
  snapshot: Snapshot
  now: number
  audit: Draft['audit']
  attempts: Attempt[]
  /** Time has passed that nobody has looked since. */
  overdue: boolean
  /** A cancel was accepted, and no retry since: nothing may begin. */
  stopped: boolean
  /** When the resync checks it next, as the tables have it. */
  checkAt: number
  /** Between which steps each effect was had, as far as anybody can know; those that are undone have none. */
  effects: Map<TaskId, { from: number; to: number }>
  /** At which step each task was last handed out to be done. */
  begun: Map<TaskId, number>
  /** Tasks with the agreements that are no longer good for them. */
  spent: Set<string>
  count: number
  slots: number
  keyFree: boolean
  rateOpen: boolean
  policy: number
  autoRollback: boolean
}

/** Room and keys are what the draft's own tasks leave of them. */
export const limitsOf = (model: Model, draft: Draft): Limits => ({
  leaseMs: LEASE_MS,
  autoRollback: model.autoRollback,
  policyVersion: String(model.policy),
  takeSlot: () => running(draft).length < model.slots,
  mayBegin: () => model.rateOpen,
  began: () => undefined,
  keysFree: () => model.keyFree && running(draft).every(({ concurrency_key }) => concurrency_key === null),
  mayAsk: () => true,
  propose: () => undefined,
  random: () => 0.5,
})

export const running = ({ tasks }: Pick<Snapshot, 'tasks'>): TaskRow[] =>
  [...tasks.values()].filter(({ actual_status }) => actual_status === 'in_progress')

export const chosen = <T>(among: readonly T[], index: number): T | undefined => among[index % Math.max(1, among.length)]
