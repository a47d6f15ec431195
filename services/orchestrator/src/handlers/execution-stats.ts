import type { Handler } from '@deed/mesh/bus'
import type { executionStats as contract } from '@deed/proto/execution'
import type { Database } from '../store/schema.ts'
import { readStatistics } from '../store/statistics.ts'

export function executionStats({ db }: { db: Database }): Handler<typeof contract> {
  return ({ since }, { principal }) => readStatistics(db, principal.tenant, since)
}
