import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { deleteGrant as contract } from '@deed/proto/grant'
import type { Driver } from '../dispatch/drive.ts'
import { revokeGrant } from '../store/grants.ts'
import type { Database } from '../store/schema.ts'

export function deleteGrant({ db, driver }: { db: Database; driver: Driver }): Handler<typeof contract> {
  return async ({ grant_id: id }, { principal, log }) => {
    const revoked = await revokeGrant(db, principal, id)
    if (!revoked) throw new DeedError('not_found', 'there is no such grant; `deed get grants` lists them')
    log.info({ grant_id: id, by: principal.user }, 'grant revoked')
    // Later uses fail in any case; this only asks for the missing approvals at once.
    await Promise.allSettled(revoked.open.map((execution) => driver.apply(execution, { type: 'tick' }, true)))
    return revoked.grant
  }
}
