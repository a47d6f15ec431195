/** What the votes on a decision come to: a pure function. */
import type { Choice } from '@deed/proto/decision'

export interface Ballot {
  readonly vote: Choice
  /** 0 to 1. */
  readonly confidence: number
}

export type Outcome = 'open' | 'approved' | 'rejected' | 'deadlock'

const VALUE = { approve: 1, reject: -1, abstain: 0 } as const

/** -1 to 1; null if no vote counts. Abstentions count for the quorum alone. */
export function consensusOf(ballots: readonly Ballot[]): number | null {
  const counting = ballots.filter(({ vote }) => vote !== 'abstain')
  const weight = counting.reduce((sum, { confidence }) => sum + confidence, 0)
  if (weight === 0) return null
  return counting.reduce((sum, { vote, confidence }) => sum + VALUE[vote] * confidence, 0) / weight
}

/** @param late the deadline has passed */
export function outcomeOf(
  ballots: readonly Ballot[],
  { voters, quorum, margin, late }: { voters: number; quorum: number; margin: number; late: boolean },
): Outcome {
  if (ballots.length < voters && !late) return 'open'
  const score = consensusOf(ballots)
  if (ballots.length < quorum || score === null || Math.abs(score) <= margin) return 'deadlock'
  return score > 0 ? 'approved' : 'rejected'
}
