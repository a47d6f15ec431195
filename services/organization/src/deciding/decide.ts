/** Moves a decision on, each time in one transaction: proposed, voted, late, escalated, answered by a person. */
import { randomUUIDv7 } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type * as proto from '@deed/proto/decision'
import { type DECISION_EVENTS, type Decision, type DecisionId, DecisionType } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import type { OrganizationRole } from '@deed/proto/organization'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { PoolClient } from 'pg'
import type { z } from 'zod'
import { type Authority, ruleFor } from '../authority/authority.ts'
import { unallocated } from '../store/allocations.ts'
import {
  decisionOfKey,
  insertDecision,
  isApproved,
  lockDecision,
  type OpenDecision,
  readDecision,
  writeEscalation,
  writeOutcome,
} from '../store/decisions.ts'
import { addDecisionEvents } from '../store/outbox.ts'
import { mandateFor } from '../store/results.ts'
import { insertVote, votesOn } from '../store/votes.ts'
import { judge } from './judge.ts'
import { changeIn, hoursIn, orderIn, takeEffect } from './take-effect.ts'
import { consensusOf, outcomeOf } from './tally.ts'

export interface Deciding {
  readonly store: Store<unknown>
  readonly authority: Authority
  readonly log: Log
  /** Events were committed. */
  publish(): void
  /** A decision waits for a person now. */
  askPeople(): void
}

type What = (typeof DECISION_EVENTS)[number]
type Input<C extends { input: z.ZodType }> = z.output<C['input']>

export async function propose(
  deciding: Deciding,
  { tenant, role }: { tenant: string; role: OrganizationRole },
  { type, subject, rationale, facts, mode, key }: Input<typeof proto.proposeDecision>,
): Promise<Decision> {
  const { store, authority, log } = deciding
  if (type === 'priority') orderIn(subject.details)
  if (type === 'hold') hoursIn(subject.details)
  if (type === 'mandate') checkMandate(authority, subject)
  if (type === 'deployment' && !subject.environments?.length)
    throw new DeedError('missing_field', 'a deployment needs environments', { path: '$.subject.environments' })
  const id = randomUUIDv7() as DecisionId
  const happened: What[] = []
  const made = await inTransaction(store, log, async (client) => {
    happened.length = 0
    const rule = ruleFor(authority, type, await mandateFor(client, tenant, type))
    if (rule === undefined)
      throw new DeedError(
        'invalid_request',
        `nothing reads decisions of type ${type} here; known are ${Object.keys(authority.decisions).join(', ')}`,
      )
    const verdict = judge({ type, by: role, subject, facts, mode }, rule, {
      unallocated: await unallocated(client, tenant, authority.total_usd),
      needed: rule.needs === undefined || (await isApproved(client, tenant, rule.needs, subject.name)),
    })
    const open = verdict.status === undefined
    const person = open && verdict.mode === 'human'
    const inserted = await insertDecision(client, tenant, {
      ...{ decision_id: id, type, mode: verdict.mode, proposed_by: role, key, subject, rationale, facts },
      ...{ rule: verdict.rule, authority_version: authority.version },
      ...{ voters: verdict.voters, quorum: verdict.quorum, margin: rule.margin },
      ...{ hours: open && !person ? rule.hours : null, asks_person: person },
    })
    if (!inserted) return false
    happened.push('new')
    if (person) happened.push('escalated')
    else if (open) happened.push('vote_required')
    else {
      const decided = { decision_id: id, type, subject, proposed_by: role, by: 'rule', why: verdict.rule, score: null }
      if (await close(client, deciding, tenant, { ...decided, approved: verdict.status === 'approved' }))
        happened.push('completed')
      // Another proposal took the money in between.
      else if (await writeEscalation(client, tenant, id, { why: 'the money is gone', score: null }))
        happened.push('escalated')
    }
    await addDecisionEvents(client, tenant, id, happened)
    return true
  })
  if (made) return report(deciding, tenant, id, happened)
  const earlier = key === undefined ? undefined : await decisionOfKey(store, tenant, role, key)
  if (earlier?.type !== type || !isDeepStrictEqual(earlier.subject, subject))
    throw new DeedError('idempotency_conflict', 'this key belongs to another decision')
  return earlier
}

/** @throws {DeedError} `invalid_request` for a mandate that would change nothing */
function checkMandate(authority: Authority, { name, details }: Decision['subject']): void {
  const change = changeIn(details)
  const { data: type } = DecisionType.safeParse(name)
  const rule = type && authority.decisions[type]
  if (type === undefined || rule === undefined)
    throw new DeedError('invalid_request', `nothing reads decisions of type ${JSON.stringify(name)}`)
  if (ruleFor(authority, type, change) === rule)
    throw new DeedError('invalid_request', `the rule for ${name} names neither voters nor a superior for that mode`)
}

export async function vote(
  deciding: Deciding,
  { tenant, role }: { tenant: string; role: OrganizationRole },
  { decision_id: id, evidence, ...cast }: Input<typeof proto.castVote>,
): Promise<Decision> {
  const happened = await changing(deciding, tenant, id, async (client) => {
    const decision = await lockDecision(client, tenant, id)
    if (decision === undefined) throw new DeedError('not_found', 'there is no such decision')
    const votes = await votesOn(client, tenant, id)
    const own = votes.find((one) => one.role === role)
    if (own !== undefined) {
      if (isDeepStrictEqual(own, { role, ...cast })) return []
      throw new DeedError('approval_already_used', `${role} has voted already: ${own.vote}; a vote is not changed`)
    }
    if (decision.proposed_by === role) throw new DeedError('self_approval', 'nobody votes on an own proposal')
    if (!decision.voters.includes(role))
      throw new DeedError('forbidden', `${role} has no vote here; ${decision.voters.join(', ') || 'nobody'} has`)
    if (decision.status !== 'pending' || decision.asks_person)
      throw new DeedError('approval_already_used', `it is open to votes no longer: ${decision.status}`)
    if (decision.late) throw new DeedError('approval_expired', 'the time for votes has ended')
    await insertVote(client, tenant, id, { role, ...cast, evidence })
    return resolve(client, deciding, tenant, decision, [...votes, { role, ...cast }])
  })
  return report(deciding, tenant, id, happened)
}

/** Counts what is there at the deadline. */
export async function closeVotes(deciding: Deciding, tenant: string, id: DecisionId): Promise<void> {
  const happened = await changing(deciding, tenant, id, async (client) => {
    const decision = await lockDecision(client, tenant, id)
    if (decision?.status !== 'pending' || decision.asks_person || !decision.late) return []
    return resolve(client, deciding, tenant, decision, await votesOn(client, tenant, id))
  })
  if (happened.length > 0) await report(deciding, tenant, id, happened)
}

/** By the role that proposed it, or that votes on it; once. @throws {DeedError} */
export async function escalate(
  deciding: Deciding,
  { tenant, role }: { tenant: string; role: OrganizationRole },
  { decision_id: id, reason }: Input<typeof proto.escalateDecision>,
): Promise<Decision> {
  const happened = await changing(deciding, tenant, id, async (client) => {
    const decision = await lockDecision(client, tenant, id)
    if (decision === undefined) throw new DeedError('not_found', 'there is no such decision')
    if (decision.status === 'approved' || decision.status === 'rejected')
      throw new DeedError('approval_already_used', `it is decided: ${decision.status}`)
    const escalated = await writeEscalation(client, tenant, id, { why: `${role}: ${reason}`, score: null })
    return escalated ? ['escalated'] : []
  })
  return report(deciding, tenant, id, happened)
}

/** @param by the person */
export async function answer(
  deciding: Deciding,
  tenant: string,
  id: DecisionId,
  { approved, by, why }: { approved: boolean; by: string; why: string },
): Promise<void> {
  const happened = await changing(deciding, tenant, id, async (client) => {
    const decision = await lockDecision(client, tenant, id)
    if (decision === undefined || !['pending', 'escalated'].includes(decision.status)) return []
    await close(client, deciding, tenant, { ...decision, approved, by, why, score: null, person: true })
    return ['completed']
  })
  if (happened.length > 0) await report(deciding, tenant, id, happened)
}

async function resolve(
  client: PoolClient,
  deciding: Deciding,
  tenant: string,
  decision: OpenDecision,
  votes: Awaited<ReturnType<typeof votesOn>>,
): Promise<What[]> {
  const { decision_id: id, voters, quorum, margin, late } = decision
  const score = consensusOf(votes)
  const outcome = outcomeOf(votes, { voters: voters.length, quorum, margin, late })
  if (outcome === 'open') return []
  const shown = `${votes.length} of ${voters.length} voted`
  if (outcome !== 'deadlock') {
    const decided = { ...decision, approved: outcome === 'approved', by: 'votes', why: shown, score }
    if (await close(client, deciding, tenant, decided)) return ['completed']
  }
  await writeEscalation(client, tenant, id, { why: `deadlock: ${shown}, and ${quorum} are needed`, score })
  return ['escalated']
}

interface Closing extends Pick<OpenDecision, 'decision_id' | 'type' | 'subject' | 'proposed_by'> {
  readonly approved: boolean
  readonly by: string
  readonly why: string
  readonly score: number | null
  readonly person?: boolean
}

/** @returns false if what was approved cannot be had; nothing is written then */
async function close(
  client: PoolClient,
  { authority }: Deciding,
  tenant: string,
  { approved, by, why, score, person = false, ...decision }: Closing,
): Promise<boolean> {
  const validHours = authority.decisions[decision.type]?.valid_hours ?? 24
  if (approved && !(await takeEffect({ client, tenant, authority, decision, person, validHours }))) return false
  await writeOutcome(client, tenant, decision.decision_id, {
    ...{ status: approved ? ('approved' as const) : ('rejected' as const), by, why, score },
  })
  return true
}

/** Moves a decision on in a transaction that has its events as well. */
const changing = (
  { store, log }: Deciding,
  tenant: string,
  id: DecisionId,
  work: (client: PoolClient) => Promise<What[]>,
): Promise<What[]> =>
  inTransaction(store, log, async (client) => {
    const happened = await work(client)
    await addDecisionEvents(client, tenant, id, happened)
    return happened
  })

/** The decision as it is now, after a commit. @throws {DeedError} `not_found` */
async function report(
  deciding: Deciding,
  tenant: string,
  id: DecisionId,
  happened: readonly What[],
): Promise<Decision> {
  if (happened.length > 0) deciding.publish()
  const decision = await readDecision(deciding.store, tenant, id)
  if (decision === undefined) throw new DeedError('not_found', 'there is no such decision')
  if (happened.includes('escalated')) deciding.askPeople()
  return decision
}
