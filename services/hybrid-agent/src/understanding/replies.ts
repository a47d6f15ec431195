/** Replies to a task: what they do, and how they were read. */
import type { AgentReply } from '@deed/proto/agent'
import { mayChange } from '@deed/proto/kinds'
import { readingOf } from './ask.ts'

export const acts = (reply: AgentReply): boolean =>
  reply.outcome === 'handled' || (reply.outcome === 'declined' && reply.reason === 'needs_template')

export const changes = (reply: AgentReply): boolean =>
  reply.outcome !== 'handled' || reply.solution.actions.some(({ action }) => mayChange(action.kind, action.input))

/** Patterns alone decide; only an unknown name may be a misspelt one. */
export const isFinal = (exact: AgentReply): boolean =>
  exact.outcome === 'handled' ||
  (exact.outcome === 'refused' && exact.error.code !== 'unknown_target') ||
  (exact.outcome === 'declined' && exact.reason === 'needs_template')

export function read(reply: AgentReply, by: 'similarity' | 'learned', confidence: number): AgentReply {
  if (reply.outcome !== 'handled') return reply
  const { solution } = reply
  const text = readingOf(solution)
  return {
    ...reply,
    solution: { ...solution, confidence: Math.round(confidence * 1_000) / 1_000, reading: { text, by } },
  }
}

export function declined(reason: 'needs_model' | 'no_instruction', message: string, suggestions: string[]): AgentReply {
  return { outcome: 'declined', reason, message, ...(suggestions.length === 0 ? {} : { suggestions }) }
}
