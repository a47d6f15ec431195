import type { Handler } from '@deed/mesh/bus'
import type { verifyAudit as contract } from '@deed/proto/audit'
import { brokenAt } from '../check-chain.ts'
import { readChainsBefore } from '../store/audit-log.ts'
import type { Database } from '../store/schema.ts'

/** Chains in memory at once. */
const PAGE = 200

export function verifyAudit({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: executionId, limit, cursor }, { principal }) => {
    let executions = 0
    let rows = 0
    let before = cursor
    while (executions < limit) {
      const page = Math.min(PAGE, limit - executions)
      const chains = await readChainsBefore(db, principal.tenant, { executionId, before, limit: page })
      for (const chain of chains) {
        executions++
        rows += chain.rows.length
        const broken = brokenAt(chain)
        if (broken) {
          return { executions, rows, next_cursor: null, broken: { execution_id: chain.execution_id, ...broken } }
        }
      }
      before = chains.at(-1)?.execution_id
      if (chains.length < page || before === undefined) return { executions, rows, next_cursor: null, broken: null }
    }
    return { executions, rows, next_cursor: before ?? null, broken: null }
  }
}
