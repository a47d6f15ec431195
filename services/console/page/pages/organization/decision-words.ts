/** What a decision waits for, and what it changed, in words. Pure. */
import { dollars } from '../../text/times.ts'
import { type Decision, type Role, wordsOf } from './query.ts'

/** Whether a person decides it, and has not yet. */
export const asksPerson = ({ status, mode }: Pick<Decision, 'status' | 'mode'>): boolean =>
  status === 'escalated' || (status === 'pending' && mode === 'human')

/** The roles whose votes are missing. */
export const missingVotes = ({ voters, votes }: Pick<Decision, 'voters' | 'votes'>): Role[] =>
  voters.filter((role) => !votes.some((vote) => vote.role === role))

/** "2 of 3 votes", "a person", "votes". */
export function waitsFor(decision: Pick<Decision, 'status' | 'mode' | 'voters' | 'votes' | 'decided_by'>): string {
  const { status, voters, votes, decided_by: by } = decision
  if (asksPerson(decision)) return 'a person'
  if (status === 'pending') return `${votes.length} of ${voters.length} votes`
  return `by ${wordsOf(by ?? 'nobody')}`
}

/** "0.33, from -1 against it to 1 for it". */
export const scoreText = (score: number | null): string | null =>
  score === null ? null : `${score.toFixed(2)}, where 1 is for it and -1 against it`

/** What an approval of it changed. @returns undefined if it changed nothing, or has not yet */
export function changeOf({ status, type, subject }: Pick<Decision, 'status' | 'type' | 'subject'>): string | undefined {
  if (status !== 'approved') return undefined
  const { name, amount = 0, department, environments = [], details } = subject
  switch (type) {
    case 'strategic_initiative':
    case 'allocation':
      return `${dollars(amount)} for models, for what ${department ?? name} requests`
    case 'technology':
    case 'architecture':
    case 'standard':
      return `a standard that reviews read: ${name}`
    case 'release':
      return `${name} may be deployed, once a deployment of it is approved`
    case 'deployment':
      return environments.length === 0
        ? `no permit: it names no environment`
        : `a permit for ${environments.join(', ')}, for a time`
    case 'priority':
      return 'the order of the backlog, and of the executions for it'
    case 'hold':
      return details?.hours === 0 ? `${name} may be acted on again` : `nothing acts on ${name}, for a time`
    case 'mandate':
      return `how decisions of the type ${wordsOf(name)} are made`
  }
}
