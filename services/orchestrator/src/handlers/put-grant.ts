import type { Bus, Handler } from '@deed/mesh/bus'
import { resolveNames } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { putGrant as contract } from '@deed/proto/grant'
import { defined } from '@deed/proto/json'
import { levelOfApprover, type Policy } from '../policy/policy.ts'
import { insertGrant } from '../store/grants.ts'
import type { Database } from '../store/schema.ts'

export function putGrant({ db, bus, policy }: { db: Database; bus: Bus; policy: Policy }): Handler<typeof contract> {
  return async (given, { principal, trace, log }) => {
    if (given.target === undefined && given.path === undefined && given.input === undefined) {
      throw new DeedError('missing_field', 'give a target, a path, or arguments: what the grant is for', {
        path: '$.target',
      })
    }
    if (levelOfApprover(policy, principal.user) < given.level) {
      throw new DeedError(
        'forbidden',
        `${principal.user} may not approve level ${given.level}, so not in advance either; ask another approver`,
        {
          path: '$.level',
        },
      )
    }
    const target = given.target ?? given.input?.target
    const workspace = given.path === undefined && given.workspace === undefined ? undefined : (given.workspace ?? null)
    const named = {
      ...(typeof target === 'string' ? { target } : {}),
      ...defined({ workspace }),
    }
    // The grant covers what the names mean now: if they mean something else later, approval is required again.
    const { means } =
      Object.keys(named).length === 0
        ? { means: {} }
        : await bus.call(resolveNames, { kind: given.kind, ...named }, { principal, trace })
    const grant = await insertGrant(db, principal, given, means)
    if (!grant)
      throw new DeedError('out_of_range', 'expires_at is in the past; choose a later time', { path: '$.expires_at' })
    log.info({ grant_id: grant.grant_id, kind: grant.kind, by: principal.user }, 'granted')
    return grant
  }
}
