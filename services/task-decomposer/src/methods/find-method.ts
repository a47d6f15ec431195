/** Finds the method or the operator that knows a text, and fills it with the text's own names. */
import type { Language } from '@deed/proto/template'
import { fillWords } from './fill-words.ts'
import type { Method, Methods, Operator } from './method-pack.ts'
import type { Slots } from './sentence.ts'

/** Without any word about a language: Node runs it and its tests with nothing to install. */
const LANGUAGE_OTHERWISE: Language = 'javascript'

export interface FoundOperator {
  readonly type: 'operator'
  readonly id: string
  readonly kinds: readonly string[]
  /** The words of the task as a part of a plan; absent: as they are. */
  readonly text?: string
  readonly language?: Language
  readonly needs: readonly string[]
  readonly makes: readonly string[]
}

export interface FoundMethod {
  readonly type: 'method'
  readonly id: string
  readonly steps: readonly {
    readonly id: string
    readonly text: string
    readonly after?: readonly string[] | undefined
  }[]
}

/**
 * The first entry that knows the whole text.
 *
 * @param language of the request, or of its other words
 */
export function findMethod(
  { entries }: Methods,
  text: string,
  language: Language | undefined,
): FoundMethod | FoundOperator | undefined {
  for (const entry of entries) {
    for (const pattern of entry.patterns) {
      const slots = pattern.match(text)
      if (!slots) continue
      const found = filled(entry, slots, (slots.language?.toLowerCase() as Language | undefined) ?? language)
      if (found) return found
    }
  }
  return undefined
}

/** @returns undefined where it is not for this language */
function filled(
  entry: Operator | Method,
  slots: Slots,
  language: Language | undefined,
): FoundMethod | FoundOperator | undefined {
  const values: Record<string, string> = { ...entry.defaults, ...said(slots) }
  const fill = (words: string): string => fillWords(words, values)
  if (entry.type === 'method') {
    if (entry.languages && !entry.languages.includes(language ?? LANGUAGE_OTHERWISE)) return undefined
    const steps = entry.steps.map((step) => ({ id: step.id, text: fill(step.do), after: step.after }))
    return { type: 'method', id: entry.id, steps }
  }
  const written = entry.files && languageOf(entry.files, language)
  if (entry.files && slots.file === undefined) {
    if (written === undefined) return undefined
    values.file = fill(entry.files[written] ?? '')
  }
  return {
    type: 'operator',
    id: entry.id,
    kinds: entry.kinds,
    needs: entry.needs.map(fill),
    makes: entry.makes.map(fill),
    ...(entry.do === undefined ? {} : { text: fill(entry.do) }),
    ...(written === undefined ? {} : { language: written }),
  }
}

const said = (slots: Slots): Record<string, string> =>
  Object.fromEntries(Object.entries(slots).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** The only one that the operator has, or the wanted one. */
function languageOf(
  files: Readonly<Partial<Record<Language, string>>>,
  wanted: Language | undefined,
): Language | undefined {
  const offered = Object.keys(files) as Language[]
  if (offered.length === 1) return offered[0]
  const language = wanted ?? LANGUAGE_OTHERWISE
  return offered.includes(language) ? language : undefined
}
