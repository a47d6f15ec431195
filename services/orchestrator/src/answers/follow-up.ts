/**
 * Follows up on ended executions: delivers the answers to the waiting callers, then teaches the cache, the
 * templates and the agent. All of it may happen twice, since another replica repeats what a dead one left.
 */
import type { Bus } from '@deed/mesh/bus'
import type { ExecutionReply } from '@deed/proto/execution'
import { batched } from '@deed/store/batched'
import type { Log } from '@deed/telemetry/logger'
import type { CachedBefore } from '../cache/cached-before.ts'
import { learn } from '../cache/learn.ts'
import type { Snapshot } from '../execution/snapshot.ts'
import { truthOf } from '../execution/truth-of.ts'
import type { Policy } from '../policy/policy.ts'
import { type End, markFollowedUp } from '../store/followed-up.ts'
import type { Database } from '../store/schema.ts'
import type { Waiter } from '../store/transitions.ts'
import { replyOf } from './answer.ts'
import type { ExportRecord } from './export-record.ts'
import type { Waiters } from './waiters.ts'

export interface FollowUpDependencies {
  db: Database
  bus: Bus
  log: Log
  policy: Policy
  waiters: Waiters
  cachedBefore: CachedBefore
  /** Keeps a record of each execution in a file. */
  exportRecord: ExportRecord | undefined
}

/** Ends that were handled within this time are marked together, in milliseconds. */
const MARK_MS = 500

interface HandledEnd extends End {
  reply: () => ExecutionReply
  /** Ids of those who have had it. */
  answered: ReadonlySet<string>
}

/** Disposing marks the remaining ends. */
export interface FollowUp extends AsyncDisposable {
  followUp(snapshot: Snapshot, waiting: readonly Waiter[]): Promise<void>
  /** Nothing is left to do after the end, except to mark it. */
  mark(snapshot: Snapshot, answered?: ReadonlySet<string>): void
  /** A caller was answered before the execution ended. */
  dismiss(waiterId: string): Promise<void>
}

export function openFollowUp({
  db,
  bus,
  log,
  policy,
  waiters,
  cachedBefore,
  exportRecord,
}: FollowUpDependencies): FollowUp {
  // Best effort, so it may be late: lost marks are made again.
  let handled: HandledEnd[] = []
  const markAll = async (): Promise<void> => {
    const ends = new Map(handled.map((end) => [end.execution_id, end]))
    handled = []
    // A caller that asked another replica while the end was being written is in no list of that statement, and saw no end.
    for (const waiter of await markFollowedUp(db, [...ends.values()])) {
      const end = ends.get(waiter.execution_id)
      if (end && !end.answered.has(waiter.waiter_id)) waiters.answer(waiter, end.reply())
    }
  }
  const mark: FollowUp['mark'] = (snapshot, answered = new Set()) => {
    const { execution_id, audit_seq } = snapshot.execution
    handled.push({ execution_id, audit_seq, totals: truthOf(snapshot), reply: () => replyOfEnd(snapshot), answered })
    if (handled.length > 1) return
    setTimeout(() => {
      markAll().catch((error: unknown) => log.warn({ err: error }, 'the resync will retry'))
    }, MARK_MS)
  }
  const dismiss = batched(async (ids: string[]): Promise<undefined[]> => {
    await db.query('orchestrator.dismiss', `delete from waiters where waiter_id = any($1::bigint[])`, [ids])
    return ids.map(() => undefined)
  })
  return {
    async followUp(snapshot, waiting) {
      const { execution } = snapshot
      const { execution_id } = execution
      const reply = replyOfEnd(snapshot)
      for (const waiter of waiting) waiters.answer(waiter, reply)
      log.info(
        {
          execution_id,
          trace_id: reply.trace_id,
          status: execution.status,
          method: execution.method,
          duration_ms: reply.metrics.time_ms,
        },
        'execution ended',
      )
      await Promise.all([learn({ bus, log, policy, cachedBefore }, snapshot), exportRecord?.(snapshot, reply)])
      mark(snapshot, new Set(waiting.map(({ waiter_id: id }) => id)))
    },
    mark,
    async dismiss(waiterId) {
      await dismiss(waiterId)
    },
    async [Symbol.asyncDispose]() {
      if (handled.length > 0) await markAll()
    },
  }
}

const replyOfEnd = (snapshot: Snapshot): ExecutionReply =>
  replyOf(snapshot, Date.parse(snapshot.execution.finished_at ?? snapshot.execution.created_at))
