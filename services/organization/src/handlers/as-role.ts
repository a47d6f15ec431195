/** Requests that only a role makes: it is the user of the subject, and its last sign of life is kept. */
import type { Handler, RequestScope } from '@deed/mesh/bus'
import type { RequestContract } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import { ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import { redactValue } from '@deed/telemetry/redact'
import type { z } from 'zod'
import type { Db } from '../store/decisions.ts'
import { sawRole } from '../store/roles.ts'

/** How often a sign of life is written, in milliseconds: a call in between has one statement less. */
const SEEN_MS = 5_000

export interface Member {
  readonly tenant: string
  readonly role: OrganizationRole
}

/** @throws {DeedError} `forbidden` for anybody else */
export function asRole<C extends RequestContract>(
  db: Db,
  work: (member: Member, input: z.output<C['input']>, scope: RequestScope) => Promise<z.input<C['output']>>,
): Handler<C> {
  /** When this handler wrote it last, by tenant and role, on the clock of `performance.now()`. */
  const seenAt = new Map<string, number>()
  return async (input, scope) => {
    const { tenant, user } = scope.principal
    const role = ORGANIZATION_ROLES.find((name) => name === user)
    if (role === undefined) throw new DeedError('forbidden', `${user} is no role of the organization`)
    const key = `${tenant}.${role}`
    const now = performance.now()
    if (now - (seenAt.get(key) ?? Number.NEGATIVE_INFINITY) > SEEN_MS) {
      seenAt.set(key, now)
      await sawRole(db, tenant, role)
    }
    // What programs write is stored and shown: secrets in it are redacted.
    return work({ tenant, role }, redactValue(input), scope)
  }
}
