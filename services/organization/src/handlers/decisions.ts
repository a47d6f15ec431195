/** Proposing, voting on and reading decisions. */
import type { Handler } from '@deed/mesh/bus'
import type * as proto from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import { type Deciding, escalate, propose, vote } from '../deciding/decide.ts'
import { type Db, listDecisionRows, readDecision } from '../store/decisions.ts'
import { asRole } from './as-role.ts'

export const proposeDecision = (deciding: Deciding): Handler<typeof proto.proposeDecision> =>
  asRole(deciding.store, (member, input) => propose(deciding, member, input))

export const castVote = (deciding: Deciding): Handler<typeof proto.castVote> =>
  asRole(deciding.store, (member, input) => vote(deciding, member, input))

export const escalateDecision = (deciding: Deciding): Handler<typeof proto.escalateDecision> =>
  asRole(deciding.store, (member, input) => escalate(deciding, member, input))

export const getDecision =
  (store: Db): Handler<typeof proto.getDecision> =>
  async ({ decision_id }, { principal: { tenant } }) => {
    const decision = await readDecision(store, tenant, decision_id)
    if (decision === undefined) throw new DeedError('not_found', 'there is no such decision')
    return decision
  }

export const listDecisions =
  (store: Db): Handler<typeof proto.listDecisions> =>
  async (input, { principal: { tenant } }) => {
    const rows = await listDecisionRows(store, tenant, { ...input, limit: input.limit + 1 })
    const decisions = rows.slice(0, input.limit)
    return { decisions, next_cursor: rows.length > input.limit ? (decisions.at(-1)?.decision_id ?? null) : null }
  }
