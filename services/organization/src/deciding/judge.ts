/** The verdict on a proposal, from its facts and the policy alone: a pure function. */
import { DECISION_MODES, type DecisionMode, type DecisionSubject, type DecisionType } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import type { Fact, OrganizationRole } from '@deed/proto/organization'
import type { Rule } from '../authority/authority.ts'

export interface Proposal {
  readonly type: DecisionType
  readonly by: OrganizationRole
  readonly subject: DecisionSubject
  readonly facts: readonly Fact[]
  /** The mode that the caller asks for. */
  readonly mode?: DecisionMode | undefined
}

interface Circumstances {
  /** Dollars that are not allocated yet. */
  readonly unallocated: number
  /** Whether what the rule needs is approved. */
  readonly needed: boolean
}

export interface Verdict {
  readonly mode: DecisionMode
  /** Undefined: it is open. */
  readonly status: 'approved' | 'rejected' | undefined
  readonly voters: readonly OrganizationRole[]
  readonly quorum: number
  /** A sentence: which part of the rule decided. */
  readonly rule: string
}

const COSTS: ReadonlySet<DecisionType> = new Set(['strategic_initiative', 'allocation'])

/** @throws {DeedError} `forbidden` for a role that may not propose it; `invalid_request` for a mode that is laxer */
export function judge({ type, by, subject, facts, mode: asked }: Proposal, rule: Rule, now: Circumstances): Verdict {
  if (!rule.by.includes(by))
    throw new DeedError('forbidden', `${by} may not propose ${type}; ${rule.by.join(' or ')} may`)
  if (COSTS.has(type) && subject.amount === undefined)
    throw new DeedError('missing_field', `${type} needs an amount`, { path: '$.subject.amount' })
  if (asked !== undefined && DECISION_MODES.indexOf(asked) < DECISION_MODES.indexOf(rule.mode))
    throw new DeedError('invalid_request', `${type} is ${rule.mode}; ${asked} would be laxer`, { path: '$.mode' })

  const wanting = rule.require.filter((name) => facts.find((fact) => fact.name === name)?.value !== true)
  const lacks = [
    ...wanting.map((name) => `${name} is not true`),
    ...(now.needed ? [] : [`there is no approved ${rule.needs} named ${JSON.stringify(subject.name)}`]),
  ]
  const person = (why: string): Verdict => ({ mode: 'human', status: undefined, voters: [], quorum: 0, rule: why })
  if (asked === 'human' || rule.mode === 'human')
    return person(lacks.length > 0 ? `a person decides; ${lacks.join(', ')}` : 'a person decides')
  if (lacks.length > 0) return { mode: rule.mode, status: 'rejected', voters: [], quorum: 0, rule: lacks.join(', ') }
  const { amount = 0 } = subject
  if (rule.amount_max_usd !== undefined && amount > rule.amount_max_usd)
    return person(`${amount} is above ${rule.amount_max_usd} dollars, so a person decides`)
  if (COSTS.has(type) && amount > now.unallocated)
    return person(`${amount} is more than the ${now.unallocated} dollars that are not allocated, so a person decides`)
  const place = subject.environments?.find((name) => rule.person_environments.includes(name))
  if (place !== undefined) return person(`${place} is an environment where a person decides`)

  const mode = asked ?? rule.mode
  if (mode === 'autonomous')
    return { mode, status: 'approved', voters: [], quorum: 0, rule: `within what ${by} decides alone` }
  if (mode === 'hierarchical') {
    if (rule.superior === undefined || rule.superior === by)
      throw new DeedError('invalid_request', `nobody is above ${by} for ${type}; ask for human`, { path: '$.mode' })
    return { mode, status: undefined, voters: [rule.superior], quorum: 1, rule: `${rule.superior} decides` }
  }
  const voters = (rule.voters ?? []).filter((voter) => voter !== by)
  const quorum = Math.min(rule.quorum ?? voters.length, voters.length)
  if (voters.length === 0)
    throw new DeedError('invalid_request', `nobody votes on ${type}; ask for human`, { path: '$.mode' })
  return { mode, status: undefined, voters, quorum, rule: `${quorum} of ${voters.join(', ')} must vote` }
}
