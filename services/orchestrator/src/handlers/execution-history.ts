import type { Handler } from '@deed/mesh/bus'
import type { executionHistory as contract } from '@deed/proto/execution-history'
import { readHistory } from '../store/history.ts'
import type { Database } from '../store/schema.ts'

export function executionHistory({ db }: { db: Database }): Handler<typeof contract> {
  return (input, { principal }) => readHistory(db, principal.tenant, input)
}
