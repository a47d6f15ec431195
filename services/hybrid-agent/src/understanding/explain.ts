/** Shows what each stage of understanding made of the words. */
import type { AgentReply, AgentTask, Explanation } from '@deed/proto/agent'
import { outcomeOf } from '../rules/decide.ts'
import type { SlotValue } from '../rules/slots.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'
import { readingOf } from './ask.ts'
import type { Candidate } from './similar.ts'

/** What was found on the way to a reply. */
export interface Seen {
  readonly exact: AgentReply
  /** The normalised words; absent if patterns sufficed. */
  text?: string
  learned?: AgentReply
  candidates?: () => readonly Candidate[]
}

const CANDIDATES_MAX = 5

export function explained(seen: Seen, reply: AgentReply, task: AgentTask, vocabulary: Vocabulary): Explanation {
  const { exact, text, learned } = seen
  const candidates = seen.candidates?.() ?? []
  const reached = reply !== exact
  const stage = (name: Explanation['stages'][number]['stage'], of: AgentReply | undefined, otherwise: string) => ({
    stage: name,
    outcome: of?.outcome ?? ('not_reached' as const),
    reason: of ? reasonOf(of) : otherwise,
  })
  const similar = !reached || learned ? undefined : reply.outcome === 'asks' ? NO_READING : reply
  return {
    normalised: text ?? task.description,
    stages: [
      stage('exact', exact, ''),
      stage('learned', learned, text === undefined ? 'patterns decided' : 'nothing was learned for these words'),
      stage('similar', similar, learned ? 'these words were learned' : 'patterns decided'),
      stage('question', reply.outcome === 'asks' ? reply : undefined, 'nothing to ask'),
    ],
    candidates: candidates.slice(0, CANDIDATES_MAX).map(({ intent, filled, confidence }) => {
      const { rule } = intent
      const done = filled.missing.length === 0 ? outcomeOf({ rule, ...filled }, task, vocabulary) : undefined
      return {
        rule: rule.id,
        reading: done?.outcome === 'handled' ? readingOf(done.solution) : (rule.actions?.[0]?.title ?? rule.id),
        slots: Object.fromEntries(Object.entries(filled.slots).map(([name, value]) => [name, slotText(value)])),
        confidence: Math.round(confidence * 1_000) / 1_000,
      }
    }),
    unexplained: [...(candidates[0]?.unexplained ?? [])],
  }
}

const NO_READING: AgentReply = {
  outcome: 'declined',
  reason: 'needs_model',
  message: 'no reading is likely enough to act on',
}

function reasonOf(reply: AgentReply): string {
  switch (reply.outcome) {
    case 'handled':
      return `${reply.solution.rule ?? 'a rule'}: ${readingOf(reply.solution)}`
    case 'asks':
      return reply.question.text
    case 'declined':
      return reply.message
    case 'refused':
      return reply.error.message
  }
}

const slotText = (value: SlotValue): string =>
  typeof value === 'string'
    ? value
    : Array.isArray(value)
      ? value.join(' ')
      : ((value as Record<string, string>).noun ?? '')
