/** Text without quotes where a file is named: "put all is well into notes.txt". Nothing says that it is text, so it is asked about. */
import type { Sentence } from '../rules/tokenize.ts'
import { isContent } from './intents.ts'
import type { Part } from './parts.ts'

const BEFORE_FILES = new Set('to into in onto as the a new file called named text'.split(' '))

/** @returns the words between the verb and what precedes the file as one quoted text; undefined if there are none */
export function withContentQuoted(parts: readonly Part[], { text, tokens }: Sentence): readonly Part[] | undefined {
  const [verb] = parts
  const named = parts.findIndex(({ kind }) => kind === 'path')
  if (verb?.kind !== 'word' || !isContent(verb.word) || named < 0 || parts.some(({ kind }) => kind === 'text'))
    return undefined
  let last = named - 1
  while (last > 0 && BEFORE_FILES.has(parts[last]!.word)) last--
  const [first] = parts.slice(1, last + 1)
  if (!first || last === named - 1) return undefined
  const end = tokens[parts[last]!.last]!.end
  const content: Part = {
    ...first,
    kind: 'text',
    word: '__text__',
    value: text.slice(first.start, end),
    last: parts[last]!.last,
  }
  return [verb, content, ...parts.slice(last + 1)]
}
