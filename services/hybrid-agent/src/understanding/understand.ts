/**
 * Understands the words of a task: exact patterns first, then the nearest rule by similarity, then a question. Words
 * that nobody understands get suggestions. Understanding has no side effects.
 */
import type { AgentReply, AgentTask } from '@deed/proto/agent'
import { decideBy } from '../rules/decide.ts'
import type { RulePack } from '../rules/rule-pack.ts'
import { NO_RUNBOOKS, type Runbooks } from '../rules/runbooks.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'

export type Understand = (task: AgentTask) => AgentReply

export function understanding(
  packs: readonly RulePack[],
  vocabulary: Vocabulary,
  runbooks: Runbooks = NO_RUNBOOKS,
): Understand {
  return decideBy(packs, vocabulary, runbooks)
}
