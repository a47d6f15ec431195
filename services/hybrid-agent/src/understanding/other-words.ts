/** The same sentence in other words: a synonym in place of a word. */
import type { Part, Words } from './parts.ts'
import { phraseAt, synonymsOf } from './synonyms.ts'

/** Each with one word, or one phrase, replaced by what people also say. */
export function reworded(parts: readonly Part[], { lexicon }: Words): (readonly Part[])[] {
  const said = parts.map(({ kind, word }) => (kind === 'word' ? word : ''))
  return parts.flatMap((part, at) => {
    if (part.kind !== 'word') return []
    const as = (word: string): Part => ({ ...part, word, written: part.word })
    const phrase = phraseAt(said, at)
    const words = synonymsOf(part.word).filter((word) => lexicon.has(word))
    return [
      ...(phrase ? [parts.toSpliced(at, phrase.length, ...phrase.said.map(as))] : []),
      ...words.map((word) => parts.with(at, as(word))),
    ]
  })
}
