import type { Handler } from '@deed/mesh/bus'
import type { listExecutions as contract } from '@deed/proto/execution'
import { listExecutions as readPage } from '../store/lists.ts'
import type { Database } from '../store/schema.ts'

/** @param listMax the default limit */
export function listExecutions({ db, listMax }: { db: Database; listMax: number }): Handler<typeof contract> {
  return ({ limit = listMax, ...filter }, { principal }) => readPage(db, principal.tenant, { ...filter, limit })
}
