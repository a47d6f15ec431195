/**
 * Replaces a pronoun by the name that it means: "stop demo-api and start it again". It does so only where one thing was
 * named, or one list of things; every other pronoun keeps its clause together with the one before.
 */
import { imperative, openingLength } from './imperatives.ts'
import { mask } from './mask.ts'
import { namesIn, type Objects, objectsOf } from './objects.ts'

const BACK =
  /\b(?:it|its|itself|them|they|their|these|those)\b|\bthe (?:results?|output|same|former|latter|above|previous)\b|^(?:this|that)\b|\b(?:this|that)(?=[\s]*[.!?,]?\s*$)|\bthis\b(?!\s(?:host|machine|server|computer|system|repo|repository|project|workspace|folder|directory|box|node|cluster|database|month|week|year|time)\b)/i

export function refersBack(masked: string): boolean {
  return BACK.test(masked.slice(openingLength(masked)))
}

const PIECE_END = /[.!?;:](?=\s)|\n|,|\s(?:and|then|but|as well as|&|-|–|—)(?=\s)/gi
const ONE = /\b(?:it|that one|this one)\b(?!')|\b(?:this|that)(?=\s{0,8}[.!?]{0,3}\s{0,8}$)/gi
/** A question for the state, which may be asked in another task. */
const STATE = /^(?:is|are) (?:it|they|both) (?:still |now |all )?(?:up|down|running|healthy|alive|ok|okay|stopped)\b/i
const MANY =
  /\b(?:all of them|both of them|them both|them all|them|they)\b|\b(?:those|these|both)(?=(?:\s{1,8}(?:again|now|up|back|down))?\s{0,8}[.!?]{0,3}\s{0,8}$)/gi
const ONE_IS = /\bit['’]s\b/gi
const OF_ONE = /\bits\s{1,8}([a-z]{2,30}(?:\s[a-z]{2,30})?)(?=\s{0,8}[.!?]{0,3}\s{0,8}$)/gi

/**
 * @param replaces whether pronouns in this text may be replaced at all
 * @returns a function that takes the sentences of a text in their order
 */
export function nameReferents(): (text: string, replaces: boolean) => string {
  const mentioned = new Set<string>()
  let said: Objects | undefined
  /** The last piece may be the beginning of a list. */
  let listed = false

  const note = (piece: string): void => {
    for (const name of namesIn(piece)) mentioned.add(name)
    const found = objectsOf(piece)
    if (found === undefined) {
      listed = false
      return
    }
    for (const name of found.names) mentioned.add(bare(name))
    const joins = listed && found.role !== 'object' && said?.set === false
    said = { names: [...new Set([...(joins ? (said?.names ?? []) : []), ...found.names])], set: found.set }
    listed = found.role !== 'subject' && !found.set
  }

  const certain = (): Objects | undefined => {
    if (said === undefined) return undefined
    const meant = new Set(said.set ? [] : said.names.map(bare))
    return [...mentioned].every((name) => meant.has(name) || said?.names.includes(name)) ? said : undefined
  }

  return (text, replaces) => {
    const masked = mask(text)
    let result = ''
    let start = 0
    for (const end of [...masked.matchAll(PIECE_END), undefined]) {
      const to = end === undefined ? text.length : end.index
      const lead = /^\s*/.exec(text.slice(start, to))?.[0].length ?? 0
      const piece = text.slice(start + lead, to)
      const meant = replaces && (imperative(piece) !== undefined || STATE.test(piece)) ? certain() : undefined
      const named = meant === undefined ? piece : withNames(piece, meant)
      result += text.slice(start, start + lead) + named + (end?.[0] ?? '')
      note(named)
      start = to + (end?.[0].length ?? 0)
    }
    return result
  }
}

/** The piece itself if a pronoun remains that the names cannot replace. */
function withNames(piece: string, { names, set }: Objects): string {
  if (!refersBack(mask(piece)) && !/\bboth\b/i.test(piece)) return piece
  const name = names.length === 1 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  const several = set || names.length > 1
  let named = piece
  if (several) named = replaced(named, MANY, () => name)
  else {
    named = replaced(named, OF_ONE, (noun) => `the ${noun} of ${name}`)
    named = replaced(named, ONE_IS, () => `${name} is`)
    named = replaced(named, ONE, () => name)
  }
  return refersBack(mask(named)) ? piece : named
}

/** Replaces what is not quoted. */
function replaced(text: string, pattern: RegExp, by: (group: string) => string): string {
  let result = ''
  let at = 0
  for (const found of mask(text).matchAll(pattern)) {
    result += text.slice(at, found.index) + by(found[1] ?? '')
    at = found.index + found[0].length
  }
  return result + text.slice(at)
}

const bare = (name: string): string => name.replace(/^["'`“«]|["'`”»]$/g, '').toLowerCase()
