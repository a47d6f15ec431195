import type { Handler } from '@deed/mesh/bus'
import type { exportAudit as contract } from '@deed/proto/audit'
import { readChainsAfter } from '../store/audit-log.ts'
import type { Database } from '../store/schema.ts'

export function exportAudit({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: executionId, after, limit }, { principal }) => {
    const chains = await readChainsAfter(db, principal.tenant, { executionId, after, limit })
    const rows = chains.flatMap((chain) =>
      chain.rows.map(({ task_id, at, ...row }) => ({
        ...row,
        execution_id: chain.execution_id,
        at: new Date(at).toISOString(),
        ...(task_id === null ? {} : { task_id }),
      })),
    )
    return { rows, next_after: chains.length < limit ? null : (chains.at(-1)?.execution_id ?? null) }
  }
}
