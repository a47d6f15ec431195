/** What a role may decide, in sentences. Pure. */
import { count } from '../../text/times.ts'
import { type Role, type Rule, wordsOf } from './query.ts'

const money = (usd: number): string => `$${count(usd)}`
const listed = (roles: readonly string[]): string => roles.map(wordsOf).join(', ')

/** How it is decided: "by votes: 2 of cto, test lead". */
export function howDecided({ mode, voters, quorum, superior }: Rule, proposer?: Role): string {
  const voting = voters.filter((role) => role !== proposer)
  if (mode === 'collaborative') return `by votes, at least ${Math.min(quorum, voting.length)} of ${listed(voting)}`
  if (mode === 'hierarchical') return `by ${wordsOf(superior ?? 'nobody')}`
  return mode === 'human' ? 'by a person' : 'at once, by the rule'
}

/** What the rule asks for besides. */
export function conditionsOf({ amount_max_usd: max, require, needs, person_environments: places }: Rule): string[] {
  return [
    ...(max === null ? [] : [`a person decides above ${money(max)}`]),
    ...(needs === null ? [] : [`needs an approved ${wordsOf(needs)} of the same name`]),
    ...require.map((fact) => `needs the fact ${fact}`),
    ...(places.length === 0 ? [] : [`a person decides for ${places.join(', ')}`]),
  ]
}

export interface Mandates {
  readonly proposes: readonly Rule[]
  readonly votesOn: readonly Rule[]
  readonly decides: readonly Rule[]
}

export const mandatesOf = (rules: readonly Rule[], role: Role): Mandates => ({
  proposes: rules.filter(({ by }) => by.includes(role)),
  votesOn: rules.filter(({ mode, voters }) => mode === 'collaborative' && voters.includes(role)),
  decides: rules.filter(({ superior }) => superior === role),
})
