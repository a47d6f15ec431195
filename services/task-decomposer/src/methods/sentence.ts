/**
 * Sentences with slots, in the notation of the rule packs: `(create|make) (a|the)? {name} table (for {name})?`.
 *
 * A sentence matches a text as a whole, so a method never drops a word that it does not know.
 */
import { LANGUAGES } from '@deed/proto/template'

const BLANK = String.raw`\s{1,4}`

/** The slots and what they hold. */
const SLOTS = {
  name: namedBy(),
  file: String.raw`[\w@-][\w@./-]{0,200}[./][\w@./-]{0,200}\w`,
  service: String.raw`[A-Za-z0-9][\w.-]{0,62}\w`,
  language: LANGUAGES.join('|'),
  command: String.raw`\x60[^\x60\n]{1,300}\x60`,
  text: String.raw`"[^"\n]{0,400}"|'[^'\n]{0,400}'|\x60[^\x60\n]{0,400}\x60`,
  url: String.raw`https?://[^\s"'\x60]{1,400}[\w/]`,
} as const
export type Slot = keyof typeof SLOTS

/** Longer texts say more than a method knows. */
const CHARS_MAX = 400

export type Slots = Readonly<Partial<Record<Slot, string>>>

export interface SentencePattern {
  readonly written: string
  readonly slots: ReadonlySet<Slot>
  match(text: string): Slots | undefined
}

/** @throws {Error} that says what is wrong with the sentence */
export function compileSentence(written: string): SentencePattern {
  const slots = new Set<Slot>()
  const tokens = written.match(/\{[^{}]*\}|[()|]\??|,|[^\s(){}|,]+/g) ?? []
  let at = 0

  const sequence = (nested: boolean): string => {
    let source = ''
    let begun = false
    for (; at < tokens.length && !(nested && /^[)|]/.test(tokens[at] ?? '')); at++) {
      const token = tokens[at] ?? ''
      let part: string
      let optional = false
      if (token === '(') {
        at++
        const choices = [sequence(true)]
        while (tokens[at] === '|') {
          at++
          choices.push(sequence(true))
        }
        if (!/^\)\??$/.test(tokens[at] ?? '')) throw new Error('a bracket is not closed')
        optional = tokens[at] === ')?'
        part = `(?:${choices.join('|')})`
      } else if (token.startsWith('{')) part = slot(token.slice(1, -1))
      else if (/^[)|]/.test(token)) throw new Error(`"${token}" is out of place`)
      else part = token.replace(/[.*+?^$\\[\]]/g, '\\$&')
      if (optional && !begun) throw new Error('it begins with an optional part')
      const between = token === ',' ? '' : BLANK
      source += begun ? (optional ? `(?:${BLANK}${part})?` : between + part) : part
      begun = true
    }
    if (!begun) throw new Error('a choice is empty')
    return source
  }

  const slot = (name: string): string => {
    if (!Object.hasOwn(SLOTS, name))
      throw new Error(`there is no slot {${name}}; the slots are ${Object.keys(SLOTS).join(', ')}`)
    if (slots.has(name as Slot)) throw new Error(`the slot {${name}} is there twice`)
    slots.add(name as Slot)
    return `(?<${name}>${SLOTS[name as Slot]})`
  }

  const pattern = new RegExp(String.raw`^${sequence(false)}[\s.!]{0,4}$`, 'i')
  return {
    written,
    slots,
    match: (text) => (text.length > CHARS_MAX ? undefined : pattern.exec(text)?.groups) ?? undefined,
  }
}

/** One to five words that belong to no other part of a sentence. */
function namedBy(): string {
  const others =
    'and or then with without for of in into to at on as using that which who from by via it its them a an the not if when all every each'
  const word = String.raw`(?!(?:${others.split(' ').join('|')})\b)[A-Za-z0-9][\w-]{0,40}(?![\w./])`
  return `${word}(?:${BLANK}${word}){0,4}?`
}
