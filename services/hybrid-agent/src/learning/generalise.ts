/**
 * A sentence with its names made generic: "kick billing hard" and "kick mail-worker hard" are the same words,
 * `kick {target} hard`. Sentences with equal words mean the same, apart from the names.
 */
import { type SlotReader, type SlotValue, slotReader } from '../rules/slots.ts'
import type { Sentence } from '../rules/tokenize.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'

/** The kinds of names, in the order in which they are tried, and the type of the slot that takes each in a pattern. */
const NAME_READERS = {
  target: slotReader('target', undefined),
  url: slotReader('url', undefined),
  file: slotReader('file', undefined),
  entity: slotReader('entity', undefined),
  singular: slotReader('entity', 'singular'),
  quoted: slotReader('quoted', undefined),
  // A word with a digit: a number, the name of a machine.
  name: (sentence, at) => {
    const { value } = sentence.tokens[at]!
    return /\d/.test(value) ? { value, end: at + 1 } : undefined
  },
} satisfies Record<string, SlotReader>
export type NameKind = keyof typeof NAME_READERS
const KINDS = Object.keys(NAME_READERS) as NameKind[]

export interface Name {
  readonly kind: NameKind
  readonly value: SlotValue
  /** As the sentence has it, without quotes. */
  readonly text: string
  /** The position of its first token. */
  readonly at: number
}

export interface Generalised {
  /** In lower case, names as `{kind}`, with a question mark where the sentence asks. */
  readonly words: string
  readonly names: readonly Name[]
  /** The words and names in their order. */
  readonly parts: readonly (string | Name)[]
}

/** Longer sentences are neither learned nor found. */
const TOKENS_MAX = 40

/** @returns undefined for a sentence that is too long */
export function generalise(sentence: Sentence, vocabulary: Vocabulary): Generalised | undefined {
  const { tokens, asks } = sentence
  if (tokens.length === 0 || tokens.length > TOKENS_MAX) return undefined
  const parts: (string | Name)[] = []
  for (let at = 0; at < tokens.length; ) {
    const found = nameAt(sentence, at, vocabulary)
    parts.push(found?.name ?? tokens[at]!.word)
    at = found?.end ?? at + 1
  }
  const words = parts.map((part) => (typeof part === 'string' ? part : `{${part.kind}}`)).join(' ')
  return { words: asks ? `${words} ?` : words, names: parts.filter((part) => typeof part !== 'string'), parts }
}

function nameAt(sentence: Sentence, at: number, vocabulary: Vocabulary): { name: Name; end: number } | undefined {
  const token = sentence.tokens[at]!
  for (const kind of token.kind === 'word' ? KINDS : (['quoted'] as const)) {
    const found = NAME_READERS[kind](sentence, at, vocabulary)
    if (!found) continue
    const text = sentence.tokens
      .slice(at, found.end)
      .map(({ value }) => value)
      .join(' ')
    return { name: { kind, value: found.value, text, at }, end: found.end }
  }
  return undefined
}

/** The sentence as a text that has the same tokens. */
export function textOf({ tokens, asks }: Sentence): string {
  const text = tokens.map(({ kind, value }) =>
    kind === 'word' ? value : kind === 'code' ? `\`${value}\`` : `"${value}"`,
  )
  return text.join(' ') + (asks ? '?' : '')
}
