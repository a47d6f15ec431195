/**
 * Drives executions: one input at a time per execution, decided by the reconciler's core, committed in one statement,
 * then dispatched, announced and answered.
 *
 * The rows that this replica has read are cached until another replica changes them: that costs one extra round trip
 * then, and saves one on every report.
 */
import type { Bus } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import type { Pace } from '@deed/proto/task'
import { batched } from '@deed/store/batched'
import type { Log } from '@deed/telemetry/logger'
import { count } from '@deed/telemetry/metrics'
import { LRUCache } from 'lru-cache'
import { type Claim, type Draft, draftOf, hasChanged, hasEnded, hasResumed } from '../execution/draft.ts'
import { type Admission, emptySnapshot } from '../execution/new-execution.ts'
import { type ExecutionRow, isAct, type Snapshot, type TaskRow } from '../execution/snapshot.ts'
import type { Input } from '../reconcile/input.ts'
import { reconcile } from '../reconcile/reconcile.ts'
import { openBeginnings } from '../store/beginnings.ts'
import { claimOf } from '../store/claims.ts'
import type { Clock } from '../store/clock.ts'
import { type NextCheck, postponeChecks } from '../store/due.ts'
import { loadSnapshot } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { openTransitions, type Waiter } from '../store/transitions.ts'
import { announce } from './announce.ts'
import type { Capacity } from './capacity.ts'
import { concurrencyKeys } from './concurrency-keys.ts'
import { handOutOne } from './hand-out-one.ts'
import type { Decisions } from './hear-decisions.ts'
import { heldSlots } from './held-slots.ts'
import { inTurn } from './in-turn.ts'
import type { WorkQueues } from './keep-work-queues.ts'
import { type LimitSources, limitsFor, type Taken } from './limits-for.ts'
import { measureStep } from './measure-step.ts'
import type { TargetRates } from './target-rates.ts'
import { continueTrace, endExecutionSpan, traceTransitions } from './trace-transitions.ts'

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
  decisions: Pick<Decisions, 'isHeld'>
  workQueues: Pick<WorkQueues, 'checkNow'>
  leaseMs: number
  autoRollback: boolean
  /** Called with the head of a chain that has become durable. */
  moved(execution: ExecutionRow): void
  policyVersion: string
  paceOf(action: Action): Pace
  /** Targets that the action writes to, as `target:<name>`. */
  writes(action: Action): readonly string[]
  /** Starts to inspect the step of the approval; the result arrives as an input. */
  look: Reinspect
  /** Asks the organization for the decision of a task; it arrives as an input. */
  propose(id: ExecutionId, taskId: TaskId): void
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
  /**
   * Stores a new execution together with its plan, and resolves when both are durable.
   *
   * @returns undefined if its key has an execution already; else who waits for it
   */
  begin(admission: Admission, input: Input): Promise<Waiter[] | undefined>
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
  const { db, bus, log, clock, capacity, workQueues, moved, look, propose, ended, writes, reportsRefused } =
    dependencies
  const commit = openTransitions(db)
  const commitFirst = openBeginnings(db)
  const known = new LRUCache<ExecutionId, Snapshot>({ max: SNAPSHOTS_MAX })
  const turns = inTurn<ExecutionId>()

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

  const held = heldSlots({ ...dependencies, keys })
  const limits: LimitSources = { ...dependencies, keys, slotOf: held.slotOf }

  const attempt = async (id: ExecutionId, input: Input, fresh: boolean): Promise<Snapshot> => {
    let keysBusy = false
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      const kept = fresh && attempts === 0 ? undefined : known.get(id)
      const snapshot = kept ?? (await load(id))
      known.delete(id)
      const draft = draftOf(snapshot, clock.now())
      const taken: Taken = { slots: [], uninspected: [], proposals: [] }
      try {
        reconcile(draft, input, limitsFor(limits, id, taken, keysBusy))
      } catch (error) {
        giveBack(taken)
        // Another replica may have added what is missing here: only the tables refuse.
        if (kept && error instanceof DeedError) continue
        throw error
      }
      if (hasResumed(draft)) continueTrace(draft)
      draft.claim = claimOf(input, draft)
      draft.written = writtenIn(draft, input).flatMap(writes)
      if (!hasChanged(draft)) {
        if (draft.leases.length > 0) handOut(draft)
        // Inspected because it was due: move the due time, so that it is not due again at once.
        if (input.type === 'tick' && fresh) await postpone(draft.execution)
        remember(snapshot)
        follow(id, taken)
        return snapshot
      }
      crashPoint(`orchestrator.before_${input.type}`)
      let committed: Awaited<ReturnType<typeof commit>>
      try {
        committed = await commit(draft)
      } catch (error) {
        giveBack(taken)
        throw error
      }
      if (committed.outcome !== 'committed') {
        giveBack(taken)
        keysBusy ||= committed.outcome === 'key_busy'
        // What was kept may be behind: then the report is of an old token, and nothing worse.
        if (committed.outcome === 'contradicted' && !kept) throw contradicted(id, draft.claim)
        continue
      }
      crashPoint(`orchestrator.after_${input.type}`)
      followCommit(snapshot, draft, taken, committed.waiters)
      return snapshot
    }
    throw new DeedError('unavailable', `other replicas keep changing execution ${id}; try again`)
  }

  const begin = async (admission: Admission, input: Input): Promise<Waiter[] | undefined> => {
    const { execution_id: id } = admission.execution
    // If it is not stored here, the admission is used again.
    const snapshot = emptySnapshot({ ...admission.execution })
    const draft = draftOf(snapshot, clock.now())
    draft.audit.push(...admission.audit)
    const taken: Taken = { slots: [], uninspected: [], proposals: [] }
    let waiters: Waiter[] | undefined
    try {
      reconcile(draft, input, limitsFor(limits, id, taken, false))
      crashPoint('orchestrator.before_admit')
      crashPoint(`orchestrator.before_${input.type}`)
      const committed = await commitFirst({ admission, draft })
      if (committed.outcome === 'committed') waiters = committed.waiters
    } finally {
      if (!waiters) giveBack(taken)
    }
    if (!waiters) return undefined
    crashPoint('orchestrator.after_admit')
    crashPoint(`orchestrator.after_${input.type}`)
    // Who asked knows that it was accepted.
    draft.audit.splice(0, admission.audit.length)
    followCommit(snapshot, draft, taken, waiters)
    return waiters
  }

  const followCommit = (snapshot: Snapshot, draft: Draft, taken: Taken, waiters: Waiter[]): void => {
    const { execution_id: id } = snapshot.execution
    snapshot.execution.version = draft.expectedVersion + 1
    snapshot.plans = draft.plans
    remember(snapshot)
    held.follow(draft)
    handOut(draft)
    if (draft.audit.length > 0) moved(draft.execution)
    if (traceTransitions(draft)) bus.keepTrace(draft.execution.trace)
    announce(bus, draft)
    measureStep(draft)
    follow(id, taken)
    if (!hasEnded(draft)) return
    endExecutionSpan(draft.execution)
    known.delete(id)
    ended(snapshot, waiters)
  }

  const follow = (id: ExecutionId, { uninspected, proposals }: Taken): void => {
    for (const approval of uninspected) look(id, approval)
    for (const task of proposals) propose(id, task)
  }

  const contradicted = (id: ExecutionId, claim: Claim | undefined): DeedError => {
    reportsRefused.count++
    count('deed_reports_refused_total', {})
    log.error(
      { execution_id: id, ...claim, attempt_key: undefined },
      'a report that the ledger contradicts was refused',
    )
    return new DeedError('forbidden', "the executor's ledger has no such attempt, or says otherwise of it")
  }

  const remember = (snapshot: Snapshot): void => {
    known.set(snapshot.execution.execution_id, snapshot)
  }

  const postpone = batched(async (checks: NextCheck[]) => {
    await postponeChecks(db, checks)
    return checks.map(() => undefined)
  })

  const giveBack = ({ slots }: Taken): void => {
    for (const slot of slots) capacity.release(slot)
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
    begin: (admission, input) => turns.run(admission.execution.execution_id, () => begin(admission, input)),
    apply: (id, input, fresh = false) => turns.run(id, () => attempt(id, input, fresh)),
    async peek(id) {
      await turns.ended(id)
      return known.get(id) ?? load(id)
    },
    async read(id) {
      await turns.ended(id)
      return load(id)
    },
    handedOut: held.tasks,
    keepOnly: held.keepOnly,
    idle: turns.idle,
  }
  return driver
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
