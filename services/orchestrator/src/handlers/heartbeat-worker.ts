import type { Handler } from '@deed/mesh/bus'
import type { heartbeatWorker as contract } from '@deed/proto/task'
import { recordHeartbeat } from '../store/agents.ts'
import type { Database } from '../store/schema.ts'

export function heartbeatWorker({ db, leaseMs }: { db: Database; leaseMs: number }): Handler<typeof contract> {
  return async ({ worker_id: agentId, capability, slots, running, draining }) => {
    const wanted = await recordHeartbeat(db, { agentId, capability, slots, draining, running, leaseMs })
    return { lease_ms: leaseMs, stop: running.filter(({ task_id }) => !wanted.has(task_id)) }
  }
}
