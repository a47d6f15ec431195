/**
 * Drives executions: one input at a time per execution, decided by the reconciler's core, committed in one statement,
 * then dispatched, announced and answered.
 *
 * The rows that this replica has read are cached until another replica changes them: that costs one extra round trip
 * then, and saves one on every report.
 */
import type { Bus } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { type Action, workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { LRUCache } from 'lru-cache'
import { type Claim, type Draft, draftOf, hasChanged, hasEnded, type Lease } from '../execution/draft.ts'
import { keysOf } from '../execution/keys-of.ts'
import { type ExecutionRow, isAct, isSolve, type Snapshot, type TaskRow } from '../execution/snapshot.ts'
import type { Input, Limits } from '../reconcile/input.ts'
import { reconcile } from '../reconcile/reconcile.ts'
import { claimOf } from '../store/claims.ts'
import type { Clock } from '../store/clock.ts'
import { loadSnapshot } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { openTransitions, type Waiter } from '../store/transitions.ts'
import { announce } from './announce.ts'
import type { Capacity, Slot } from './capacity.ts'
import { slotRequestOf } from './capacity.ts'
import { concurrencyKeys } from './concurrency-keys.ts'
import type { WorkQueues } from './keep-work-queues.ts'
import type { TargetRates } from './target-rates.ts'

const ATTEMPTS_MAX = 8
/** The cache's size; the oldest snapshots are evicted. */
const SNAPSHOTS_MAX = 5_000

/** Inspects again what a step would change before its approval is requested. */
export type Reinspect = (id: ExecutionId, approvalId: ApprovalId) => void

export interface Dependencies {
  db: Database
  bus: Bus
  log: Log
  clock: Clock
  capacity: Capacity
  rates: TargetRates
  workQueues: Pick<WorkQueues, 'checkNow'>
  leaseMs: number
  autoRollback: boolean
  /** Called with the head of a chain that has become durable. */
  moved(execution: ExecutionRow): void
  policyVersion: string
  /** Whether an action only reads, and is short. */
  reads(action: Action): boolean
  /** Targets that the action writes to, as `target:<name>`. */
  writes(action: Action): readonly string[]
  /** Starts to inspect the step of the approval; the result arrives as an input. */
  look: Reinspect
  /** Reports that the executor's ledger contradicts. */
  reportsRefused: { count: number }
  /** Called once for each execution that this replica has ended, with its waiting callers. */
  ended(snapshot: Snapshot, waiters: Waiter[]): void
}

export interface Driver {
  /** Caches a snapshot that was just stored, so that it need not be read. */
  know(snapshot: Snapshot): void
  /**
   * Applies an input, and resolves when it is durable.
   *
   * @param fresh read the rows again first
   * @throws {DeedError} if the input cannot be applied
   */
  apply(id: ExecutionId, input: Input, fresh?: boolean): Promise<Snapshot>
  /** From this replica's cache, or from the tables. Must not be modified. @throws {DeedError} `not_found` */
  peek(id: ExecutionId): Promise<Snapshot>
  /** From the tables. @throws {DeedError} `not_found` */
  read(id: ExecutionId): Promise<Snapshot>
  /** The attempts that this replica has handed out and that have not ended yet. */
  handedOut(): ReadonlySet<string>
  /**
   * Releases the slots of attempts that ended elsewhere.
   *
   * @param askedAt when the list was requested, on the clock of `performance.now()`; it does not contain later attempts
   */
  keepOnly(running: ReadonlySet<string>, askedAt: number): void
  /** Waits for all inputs in progress. */
  idle(): Promise<void>
}

export function openDriver(dependencies: Dependencies): Driver {
  const {
    db,
    bus,
    log,
    clock,
    capacity,
    rates,
    workQueues,
    leaseMs,
    autoRollback,
    policyVersion,
    moved,
    look,
    ended,
    reads,
    writes,
    reportsRefused,
  } = dependencies
  const commit = openTransitions(db)
  const known = new LRUCache<ExecutionId, Snapshot>({ max: SNAPSHOTS_MAX })
  const queues = new Map<ExecutionId, Promise<unknown>>()
  /** Slots of attempts that this replica has handed out, by task. */
  const taken = new Map<string, { slot: Slot; at: number }>()

  const slotOf = (task: TaskRow): Slot => ({
    capability: task.capability,
    reads: isAct(task) && task.desired_status !== 'undone' && reads(task.spec),
  })

  const load = async (id: ExecutionId): Promise<Snapshot> => {
    const snapshot = await loadSnapshot(db, id)
    if (!snapshot) throw new DeedError('not_found', `there is no execution ${id}`)
    return snapshot
  }

  const keys = concurrencyKeys((id) => {
    driver.apply(id, { type: 'tick' }).catch((error: unknown) => {
      // The resync will retry.
      log.warn({ err: error, execution_id: id }, 'failed to resume an execution that was waiting for a concurrency key')
    })
  })

  const limitsFor = (id: ExecutionId, slots: Slot[], unseen: ApprovalId[], keysBusy: boolean): Limits => {
    /** Keys that this draft itself takes. */
    const granted = new Set<string>()
    return {
      leaseMs,
      autoRollback,
      policyVersion,
      takeSlot(task, execution) {
        const slot = slotOf(task)
        const taken = capacity.take(slot, slotRequestOf(execution))
        if (taken) slots.push(slot)
        return taken
      },
      keysFree(wanted) {
        const busy = wanted.filter((key) => keysBusy || granted.has(key) || !keys.isFree(key))
        // Also if only the table knows that the key is busy: a faster local attempt releases it soon.
        for (const key of busy) keys.wait(key, id)
        if (busy.length > 0) return false
        for (const key of wanted) granted.add(key)
        return true
      },
      mayBegin: (target, execution) => rates.mayBegin(target, slotRequestOf(execution)),
      began: rates.began,
      mayAsk({ approval_id: approvalId, level }, { dependencies }) {
        // A step that the plan itself asks for was inspected just before.
        if (level < 3 || dependencies.length === 0) return true
        unseen.push(approvalId)
        return false
      },
      random: Math.random,
    }
  }

  const attempt = async (id: ExecutionId, input: Input, fresh: boolean): Promise<Snapshot> => {
    let keysBusy = false
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      const kept = fresh && attempts === 0 ? undefined : known.get(id)
      const snapshot = kept ?? (await load(id))
      known.delete(id)
      const draft = draftOf(snapshot, clock.now())
      const slots: Slot[] = []
      const unseen: ApprovalId[] = []
      try {
        reconcile(draft, input, limitsFor(id, slots, unseen, keysBusy))
      } catch (error) {
        for (const slot of slots) capacity.release(slot)
        // Another replica may have added what is missing here: only the tables refuse.
        if (kept && error instanceof DeedError) continue
        throw error
      }
      draft.claim = claimOf(input, draft)
      draft.written = writtenIn(draft, input).flatMap(writes)
      if (!hasChanged(draft)) {
        if (draft.leases.length > 0) handOut(draft)
        // Inspected because it was due: move the due time, so that it is not due again at once.
        if (input.type === 'tick' && fresh) await postponeCheck(draft)
        remember(snapshot)
        for (const approval of unseen) look(id, approval)
        return snapshot
      }
      crashPoint(`orchestrator.before_${input.type}`)
      let committed: Awaited<ReturnType<typeof commit>>
      try {
        committed = await commit(draft)
      } catch (error) {
        for (const slot of slots) capacity.release(slot)
        throw error
      }
      if (committed.outcome !== 'committed') {
        for (const slot of slots) capacity.release(slot)
        keysBusy ||= committed.outcome === 'key_busy'
        // What was kept may be behind: then the report is of an old token, and nothing worse.
        if (committed.outcome === 'contradicted' && !kept) throw contradicted(id, draft.claim)
        continue
      }
      crashPoint(`orchestrator.after_${input.type}`)
      snapshot.execution.version = draft.expectedVersion + 1
      snapshot.plans = draft.plans
      remember(snapshot)
      releaseSlots(draft)
      handOut(draft)
      if (draft.audit.length > 0) moved(draft.execution)
      announce(bus, draft)
      for (const approval of unseen) look(id, approval)
      if (hasEnded(draft)) {
        known.delete(id)
        ended(snapshot, committed.waiters)
      }
      return snapshot
    }
    throw new DeedError('unavailable', `other replicas keep changing execution ${id}; try again`)
  }

  const contradicted = (id: ExecutionId, claim: Claim | undefined): DeedError => {
    reportsRefused.count++
    log.error(
      { execution_id: id, ...claim, attempt_key: undefined },
      'a report that the ledger contradicts was refused',
    )
    return new DeedError('forbidden', "the executor's ledger has no such attempt, or says otherwise of it")
  }

  const remember = (snapshot: Snapshot): void => {
    known.set(snapshot.execution.execution_id, snapshot)
  }

  const postponeCheck = async (draft: Draft): Promise<void> => {
    const { execution_id, next_check_at } = draft.execution
    await db.query('orchestrator.look_later', `update executions set next_check_at = $2 where execution_id = $1`, [
      execution_id,
      next_check_at,
    ])
  }

  const releaseSlots = (draft: Draft): void => {
    const at = performance.now()
    const free: Slot[] = []
    for (const { task, again } of draft.leases) {
      // The slot of a repeated dispatch is counted already, here or where it was leased.
      if (again) continue
      const before = taken.get(task.task_id)
      // Leased again in the step that ended its attempt: the slot of that attempt is free.
      if (before) free.push(before.slot)
      taken.set(task.task_id, { slot: slotOf(task), at })
      keys.take(keysOf(task), task.task_id)
    }
    for (const id of draft.actualChanged) {
      const task = draft.tasks.get(id)
      const held = taken.get(id)
      if (held !== undefined && task?.actual_status !== 'in_progress') {
        taken.delete(id)
        keys.release(id)
        free.push(held.slot)
      }
    }
    for (const slot of free) capacity.release(slot)
  }

  const handOut = (draft: Draft): void => {
    for (const lease of draft.leases) {
      crashPoint('orchestrator.before_publish')
      handOutOne(bus, draft.execution, lease)
    }
    // No worker has taken them: the queue itself may be missing.
    if (draft.leases.some(({ again }) => again)) workQueues.checkNow()
  }

  const driver: Driver = {
    know: remember,
    apply(id, input, fresh = false) {
      const before = queues.get(id) ?? Promise.resolve()
      const result = before.then(
        () => attempt(id, input, fresh),
        () => attempt(id, input, fresh),
      )
      queues.set(id, result)
      const done = (): void => {
        if (queues.get(id) === result) queues.delete(id)
      }
      result.then(done, done)
      return result
    },
    async peek(id) {
      await queues.get(id)?.catch(() => undefined)
      return known.get(id) ?? load(id)
    },
    async read(id) {
      await queues.get(id)?.catch(() => undefined)
      return load(id)
    },
    handedOut: () => new Set(taken.keys()),
    keepOnly(running, askedAt) {
      for (const [id, { slot, at }] of taken) {
        if (running.has(id) || at > askedAt) continue
        taken.delete(id)
        keys.release(id as TaskId)
        capacity.release(slot)
      }
    },
    async idle() {
      await Promise.allSettled(queues.values())
    },
  }
  return driver
}

function handOutOne(bus: Bus, execution: ExecutionRow, { task, token, intent }: Lease): void {
  const { tenant, execution_id, trace, request } = execution
  if (intent === 'solve') {
    if (!isSolve(task)) throw new Error(`task ${task.task_id} has no question for a model`)
    const payload = {
      task_id: task.task_id,
      execution_id,
      tenant,
      token,
      task: task.spec,
      ...(request.budget_usd === undefined ? {} : { budget_microusd: Math.floor(request.budget_usd * 1_000_000) }),
      earlier_errors: task.last_error === null ? [] : [task.last_error],
    }
    return bus.handOut(workSolve, payload, { tenant, trace })
  }
  if (!isAct(task)) throw new Error(`task ${task.task_id} has no action`)
  const payload = {
    task_id: task.task_id,
    execution_id,
    tenant,
    token,
    intent,
    action: task.spec,
    action_hash: task.action_hash ?? '',
  }
  bus.handOut(workAct, payload, { tenant, trace })
}

/** Actions that had an effect, or may have had one, according to the input. */
function writtenIn({ tasks, actualChanged }: Draft, input: Input): Action[] {
  const isWritten = ({ task_id: id, effect }: TaskRow): boolean =>
    input.type === 'reported' ? id === input.report.task_id && input.report.effect !== 'none' : effect === 'unknown'
  return [...actualChanged].flatMap((id) => {
    const task = tasks.get(id)
    return task && isAct(task) && isWritten(task) ? [task.spec] : []
  })
}
