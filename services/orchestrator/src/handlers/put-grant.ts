import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { putGrant as contract } from '@deed/proto/grant'
import { levelOfApprover, type Policy } from '../planning/policy.ts'
import { insertGrant } from '../store/grants.ts'
import type { Database } from '../store/schema.ts'

export function putGrant({ db, policy }: { db: Database; policy: Policy }): Handler<typeof contract> {
  return async (given, { principal, log }) => {
    if (given.target === undefined && given.path === undefined && given.input === undefined) {
      throw new DeedError('missing_field', 'say what it is for: a target, a path, or arguments', { path: '$.target' })
    }
    if (levelOfApprover(policy, principal.user) < given.level) {
      throw new DeedError('forbidden', `${principal.user} may not agree to level ${given.level}, nor ahead`, {
        path: '$.level',
      })
    }
    const grant = await insertGrant(db, principal, given)
    if (!grant) throw new DeedError('out_of_range', 'the end has come already', { path: '$.expires_at' })
    log.info({ grant_id: grant.grant_id, kind: grant.kind, by: principal.user }, 'granted')
    return grant
  }
}
