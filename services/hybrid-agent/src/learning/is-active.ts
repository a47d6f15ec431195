import { tokenize } from '../rules/tokenize.ts'
import type { LearnedSentence } from '../store/learned-sentence.ts'
import { generalise } from './generalise.ts'
import { type Grounds, replyFrom } from './recall.ts'

/** Whether the sentence, as it was said, still leads to actions. */
export function isActive({ said, meaning }: LearnedSentence, grounds: Grounds): boolean {
  const sentence = tokenize(said)
  const general = sentence && generalise(sentence, grounds.vocabulary)
  if (!sentence || !general) return false
  return replyFrom(meaning, general.names, sentence, { description: said }, grounds) !== undefined
}
