import type { Handler } from '@deed/mesh/bus'
import type { listGrants as contract } from '@deed/proto/grant'
import { readGrants } from '../store/grants.ts'
import type { Database } from '../store/schema.ts'

export function listGrants({ db }: { db: Database }): Handler<typeof contract> {
  return async (by, { principal }) => ({ grants: await readGrants(db, principal.tenant, by) })
}
