/** What an approval changes, in the transaction that approves it. A type without an effect does not compile. */
import type { DecisionType } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import { HOLD_HOURS_MAX } from '@deed/proto/organization-work'
import type { PoolClient } from 'pg'
import { z } from 'zod'
import { type Authority, Mandate } from '../authority/authority.ts'
import { allocate } from '../store/allocations.ts'
import { rankBacklog } from '../store/backlog.ts'
import type { OpenDecision } from '../store/decisions.ts'
import { writeHold, writeMandate, writePermits, writeStandard } from '../store/results.ts'

export interface Effect {
  readonly client: PoolClient
  readonly tenant: string
  readonly authority: Authority
  readonly decision: Pick<OpenDecision, 'decision_id' | 'type' | 'subject' | 'proposed_by'>
  /** A person decided, who may also give what is missing. */
  readonly person: boolean
  readonly validHours: number
}

/** @returns false if it cannot be had any more: the money is gone */
export const takeEffect = (effect: Effect): Promise<boolean> => EFFECTS[effect.decision.type](effect)

const EFFECTS: Record<DecisionType, (effect: Effect) => Promise<boolean>> = {
  strategic_initiative: spend,
  allocation: spend,
  technology: standardize,
  architecture: standardize,
  standard: standardize,
  // Read by `needs: release` of a deployment.
  release: () => Promise.resolve(true),
  async deployment({ client, tenant, decision: { decision_id, subject }, validHours }) {
    const { name: release, environments = [] } = subject
    await writePermits(client, tenant, { release, environments, hours: validHours, decisionId: decision_id })
    return true
  },
  async priority({ client, tenant, decision: { subject } }) {
    await rankBacklog(client, tenant, orderIn(subject.details))
    return true
  },
  async hold({ client, tenant, decision: { decision_id, subject, proposed_by: role } }) {
    const { name: target, text: reason = 'no reason was given', details } = subject
    await writeHold(client, tenant, { target, role, reason, hours: hoursIn(details), decisionId: decision_id })
    return true
  },
  async mandate({ client, tenant, decision: { decision_id, subject } }) {
    await writeMandate(client, tenant, {
      type: subject.name,
      change: changeIn(subject.details),
      decisionId: decision_id,
    })
    return true
  },
}

function spend({ client, tenant, authority, decision: { subject }, person }: Effect): Promise<boolean> {
  const { department = departmentOf(subject.name), amount = 0 } = subject
  return allocate(client, tenant, { department, amount, totalUsd: authority.total_usd, granted: person })
}

async function standardize({ client, tenant, decision: { decision_id, subject } }: Effect): Promise<boolean> {
  const { name, text = name } = subject
  await writeStandard(client, tenant, { name, rule: text, decisionId: decision_id })
  return true
}

/** A name of a user, made from words. */
export const departmentOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63) || 'initiative'

/** @throws {DeedError} `invalid_request` */
export function orderIn(details: OpenDecision['subject']['details']): string[] {
  const order = details?.order
  const ids = Array.isArray(order) ? order.filter((id): id is string => typeof id === 'string') : []
  if (ids.length === 0 || ids.some((id) => !/^[0-9a-f-]{36}$/.test(id)))
    throw new DeedError('invalid_request', 'details.order must list ids of the backlog', {
      path: '$.subject.details.order',
    })
  return ids
}

/** @throws {DeedError} `invalid_request` */
export function changeIn(details: OpenDecision['subject']['details']): Mandate {
  const { data } = Mandate.safeParse(details?.change)
  if (data === undefined || Object.keys(data).length === 0)
    throw new DeedError('invalid_request', 'details.change must have amount_max_usd or mode', {
      path: '$.subject.details.change',
    })
  return data
}

/** How long a target is held. @throws {DeedError} `invalid_request` */
export function hoursIn(details: OpenDecision['subject']['details']): number {
  const { data } = HoldHours.safeParse(details?.hours)
  if (data === undefined)
    throw new DeedError('invalid_request', `details.hours must be from 0, which releases, to ${HOLD_HOURS_MAX}`, {
      path: '$.subject.details.hours',
    })
  return data
}

const HoldHours = z.number().min(0).max(HOLD_HOURS_MAX)
