/**
 * Removing what is old: the bodies of executions that ended, in small steps, by one replica an hour.
 *
 * First an execution is marked, so that nobody rolls it back any more; then the executor forgets what that would have
 * taken; then the body goes. Whoever dies in between leaves a mark, and the next one goes on. The row with the key, the
 * end and its evidence stays, so a repeated request is still answered; the audit log stays whole.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Bus } from '@deed/mesh/bus'
import { every } from '@deed/mesh/every'
import { forgetActions } from '@deed/proto/action'
import type { Log } from '@deed/telemetry/logger'
import {
  beyondNewest,
  type Cutoffs,
  claimRun,
  markOld,
  pruneAlerts,
  pruneMarked,
  type Span,
  writeOutcome,
} from './store/retention.ts'
import type { Database } from './store/schema.ts'

const EVERY_MS = 3_600_000
/** Replicas that start together do not all look at once. */
const FIRST_MS = 60_000
const BATCH = 200
const BATCHES_MAX = 200
const DAY_MS = 86_400_000

interface Dependencies {
  db: Database
  bus: Bus
  retention: ExecutionConfig['retention']
}

/**
 * @param now milliseconds since 1970
 * @returns how many executions were pruned; undefined where another replica has done it within the hour
 */
export async function retainOnce({ db, bus, retention }: Dependencies, now: number): Promise<number | undefined> {
  if (!(await claimRun(db, 'executions', now, EVERY_MS * 0.9))) return undefined
  const undoable = now - retention.undo_days * DAY_MS
  const ended = now - retention.executions_days * DAY_MS
  let pruned = 0
  const prune = async (cutoffs: Cutoffs, span?: Span): Promise<void> => {
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const ids = await markOld(db, cutoffs, now, BATCH, span)
      if (ids.length === 0) break
      await bus.call(forgetActions, { execution_ids: ids }, { patient: false })
      pruned += await pruneMarked(db, ids)
    }
  }
  await prune({ ended, changed: Math.min(ended, undoable) })
  // What is too much goes by its place alone, and what could be rolled back not before its time.
  for (const span of await beyondNewest(db, retention.executions_max)) {
    await prune({ ended: now, changed: undoable }, span)
  }
  const alerts = await pruneAlerts(db, now - retention.alerts_days * DAY_MS)
  await writeOutcome(db, 'executions', { pruned, alerts })
  return pruned
}

/** Disposing waits for the step that is under way. */
export function keepRetaining(dependencies: Dependencies, now: () => number, log: Log): AsyncDisposable {
  const run = async (): Promise<void> => {
    const pruned = (await retainOnce(dependencies, now())) ?? 0
    if (pruned > 0) log.info({ pruned }, 'old executions are pruned')
  }
  const firstMs = FIRST_MS * (1 + Math.random())
  return every(EVERY_MS, run, { failed: 'old executions could not be pruned; it is tried again', log, firstMs })
}
