/** Finds what a clause acts on: the names that a later pronoun can only mean. */
import { imperative, openingLength, PARTICLES, STARTING } from './imperatives.ts'
import { mask } from './mask.ts'

/** Names of files, services, hosts: words with punctuation or digits, and quoted text. */
const NAMED = /`([^`\n]+)`|"([^"\n]+)"|[A-Za-z0-9_@/][\w@./-]*[\w/]/g

const HERE = /\bthis (?:host|machine|server|computer|node)\b/i

export interface Objects {
  /** As written; several for a list. */
  readonly names: readonly string[]
  /** "all services": one phrase for several things. */
  readonly set: boolean
}

const DETERMINER = '(?:(?:the|my|our|your|a|an)\\s{1,8})?'
const TYPE =
  '(?:service|server|process|app|application|container|deployment|host|file|folder|directory|script|database|table|job|pod)'
/** A word, or quoted text as it is masked. */
const WORD = '\\uE000{1,256}|[A-Za-z0-9_@/](?:[\\w@./-]{0,254}[\\w/])?'
const NOUN = `${DETERMINER}(?:${TYPE}\\s{1,8})?(?:(?:called|named)\\s{1,8})?(?<name>${WORD})(?:\\s{1,8}${TYPE})?(?![\\w-])`
const LATER = '(?:again|now|first|please|off|on|up|down|back|too|immediately)'
const SET =
  /^(?:(?:all|both|every|each)(?: of)?(?: the| our| my| your)? (?:services?|containers|deployments)|everything)$/i
const NO_NAME = new Set(
  'the a an it its this that these those them they all both every each everything there what which who and or not to of in on at for with from into service services server servers'.split(
    ' ',
  ),
)

const ACTED_ON = new RegExp(
  `^[a-z]{2,20}(?:\\s{1,8}(?:${[...PARTICLES, 'at'].join('|')}))?\\s{1,8}${NOUN}(?<rest>.*)$`,
  'is',
)
const REPORTED = new RegExp(
  `^${NOUN}\\s{1,8}(?:is|are|has|have|was|were|isn't|aren't|hasn't|seems?|looks?|keeps?|does|do|doesn't|don't|won't|can't|cannot|crashed|crashes|died|failed|fails|hangs?|hung|stopped|went|stays?)(?![\\w-])`,
  'i',
)
const ALONE = new RegExp(`^${NOUN}[\\s.!?]{0,8}$`, 'i')
const ENDS = new RegExp(`^(?:\\s{1,8}${LATER}){0,3}[\\s.!?]{0,8}$`, 'i')
/** After a place or a destination it is not certain what is meant: "copy a.txt to backup and delete it". */
const CONTINUES = /^\s{1,8}(?:with|for|using|because|since|containing|again|now|first|off|up|down|back)\b/i

/**
 * @param piece a part of a sentence without commas and "and"
 * @returns the name that an imperative acts on, that a report is about, or that stands alone in a list
 */
export function objectsOf(piece: string): (Objects & { readonly role: 'object' | 'subject' | 'listed' }) | undefined {
  const start = openingLength(piece)
  const text = piece.slice(start).trimEnd()
  const masked = mask(text)
  const nameAt = (found: RegExpExecArray, plain: boolean): string | undefined => {
    const name = found.groups?.name ?? ''
    const at = masked.indexOf(name, found.index)
    const written = text.slice(at, at + name.length)
    if (NO_NAME.has(written.toLowerCase())) return undefined
    return plain || isName(written) ? written : undefined
  }
  const verb = imperative(text)
  if (verb !== undefined) {
    const whole = text
      .replace(/^[a-z]+/i, '')
      .replace(/[.!?]+$/, '')
      .trim()
    const set = whole.replace(new RegExp(`\\s+${LATER}$`, 'i'), '').replace(/^(?:off|on|up|down|back) /i, '')
    if (set.length < 64 && SET.test(set)) return { names: [set], set: true, role: 'object' }
    const found = ACTED_ON.exec(masked)
    if (!found) return undefined
    const rest = found.groups?.rest ?? ''
    const ends = ENDS.test(rest)
    if (!ends && !CONTINUES.test(rest)) return undefined
    // A plain word names something that exists only where it is operated.
    const name = nameAt(found, ends && STARTING.has(verb))
    return name === undefined ? undefined : { names: [name], set: false, role: 'object' }
  }
  const report = REPORTED.exec(masked)
  const reported = report && nameAt(report, true)
  if (reported) return { names: [reported], set: false, role: 'subject' }
  const alone = ALONE.exec(masked)
  const listed = alone && nameAt(alone, false)
  return listed ? { names: [listed], set: false, role: 'listed' } : undefined
}

const isName = (written: string): boolean => namesIn(written).size > 0 || /^['“«]/.test(written)

/** In lower case. */
export function namesIn(text: string): Set<string> {
  const names = new Set(HERE.exec(text)?.map((here) => here.toLowerCase()))
  for (const [word, code, quoted] of text.matchAll(NAMED)) {
    const name = code ?? quoted ?? word
    if (code !== undefined || quoted !== undefined || /[-_./\d]/.test(name)) names.add(name.toLowerCase())
  }
  return names
}
