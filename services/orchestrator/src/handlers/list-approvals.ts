import type { Handler } from '@deed/mesh/bus'
import type { listApprovals as contract } from '@deed/proto/execution'
import { readApprovals } from '../store/approvals.ts'
import type { Database } from '../store/schema.ts'

export function listApprovals({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ status, execution_id: executionId, limit }, { principal }) => ({
    approvals: await readApprovals(db, principal, { status, executionId, limit }),
  })
}
