import type { Handler } from '@deed/mesh/bus'
import type { heartbeatWorker as contract } from '@deed/proto/task'
import { recordHeartbeat } from '../store/agents.ts'
import type { Database } from '../store/schema.ts'
import { requireWorker } from './require-worker.ts'

interface Dependencies {
  db: Database
  leaseMs: number
  /** Runs the resync at once. */
  hurry(): void
}

export function heartbeatWorker({ db, leaseMs, hurry }: Dependencies): Handler<typeof contract> {
  const met = new Set<string>()
  return async ({ worker_id: agentId, capability, slots, running, draining }, { principal }) => {
    requireWorker(principal, capability)
    const wanted = await recordHeartbeat(db, { agentId, capability, slots, draining, running, leaseMs })
    // A new worker has free slots, which an execution may be waiting for.
    if (!met.has(agentId)) {
      met.add(agentId)
      hurry()
    }
    return { lease_ms: leaseMs, stop: running.filter(({ task_id }) => !wanted.has(task_id)) }
  }
}
