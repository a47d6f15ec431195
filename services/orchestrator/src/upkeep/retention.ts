/**
 * Deletes old executions' bodies, in small steps, by one replica per hour.
 *
 * First an execution is marked, so that it can no longer be rolled back; then the executor deletes the data for a
 * rollback; then the body is deleted. If a replica dies in between, the mark stays, and the next one continues. The row
 * with the key, the end and its evidence stays, so a repeated request is still answered; the audit log stays complete.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Bus } from '@deed/mesh/bus'
import { every } from '@deed/process/every'
import { forgetActions } from '@deed/proto/action'
import type { Log } from '@deed/telemetry/logger'
import {
  beyondBytes,
  beyondNewest,
  type Cutoffs,
  claimRun,
  markOld,
  pruneAlerts,
  pruneMarked,
  type Span,
  writeOutcome,
} from '../store/retention.ts'
import type { Database } from '../store/schema.ts'
import { pruneCounts } from '../store/statistics.ts'

const EVERY_MS = 3_600_000
/** Spreads the first run of replicas that start together. */
const FIRST_MS = 60_000
const BATCH = 200
const BATCHES_MAX = 200
const DAY_MS = 86_400_000
const MB = 1_000_000

interface Dependencies {
  db: Database
  bus: Bus
  retention: ExecutionConfig['retention']
}

/**
 * @param now milliseconds since 1970
 * @returns the number of pruned executions; undefined if another replica has run within the hour
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
  // The limits on number and size go by age alone, and what can still be rolled back is kept until its time.
  const { executions_max: max, executions_max_mb: mb } = retention
  for (const span of await beyondNewest(db, max)) await prune({ ended: now, changed: undoable }, span)
  for (const span of mb === undefined ? [] : await beyondBytes(db, mb * MB)) {
    await prune({ ended: now, changed: undoable }, span)
  }
  await pruneCounts(db, now)
  const alerts = await pruneAlerts(db, now - retention.alerts_days * DAY_MS)
  await writeOutcome(db, 'executions', { pruned, alerts })
  return pruned
}

/** Disposing waits for the running step. */
export function keepRetaining(dependencies: Dependencies, now: () => number, log: Log): AsyncDisposable {
  const run = async (): Promise<void> => {
    const pruned = (await retainOnce(dependencies, now())) ?? 0
    if (pruned > 0) log.info({ pruned }, 'pruned old executions')
  }
  const firstMs = FIRST_MS * (1 + Math.random())
  return every(EVERY_MS, run, { failed: 'pruning old executions failed; the next run will retry', log, firstMs })
}
