/** The organization has decided what a task proposed, or refuses to. */
import type { Decision } from '@deed/proto/decision'
import { type Draft, record, setActual } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { proposalOf } from '../execution/person-task.ts'
import { signed } from '../execution/signed.ts'
import { end } from './ending.ts'
import type { MadeDecision } from './input.ts'

/** A decision that is still open, or of another attempt, changes nothing. */
export function decisionMade(draft: Draft, { taskId, startedAt, made }: MadeDecision): void {
  const task = draft.tasks.get(taskId)
  const proposal = task && proposalOf(task)
  if (!proposal || task.actual_status !== 'pending' || task.started_at === null || draft.execution.ending !== null)
    return
  if (Date.parse(task.started_at) !== Date.parse(startedAt)) return
  const { by, type, subject } = proposal
  const what = `${type} ${JSON.stringify(subject.name)}`
  if ('refused' in made) {
    const { code, message } = made.refused
    record(draft, 'decision.made', { name: task.name, status: 'refused', code }, taskId)
    return end(draft, 'failed', { code, message: `${by} cannot propose ${what}: ${message}`, retryable: false })
  }
  if (made.status !== 'approved' && made.status !== 'rejected') return
  const { decision_id, status, decided_by, why, rule, consensus_score } = made
  record(draft, 'decision.made', { name: task.name, status, decision_id, by: decided_by }, taskId)
  const said = `decided by ${decided_by}: ${why ?? rule}`
  if (status === 'rejected')
    return end(draft, 'denied', {
      code: 'approval_denied',
      message: `the organization rejected ${what}, ${said}`,
      retryable: false,
    })
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: isoTime(draft.now),
    verification: signed({
      claimed: `${by} proposed ${what}`,
      observed: `approved, ${said}`,
      at: draft.now,
      facts: { decision_id, decided_by, consensus_score, votes: votesOf(made) },
    }),
    result: { text: `${what} is approved`, data: { decision_id } },
  })
}

const votesOf = ({ votes }: Decision) => votes.map(({ role, vote, confidence }) => ({ role, vote, confidence }))
