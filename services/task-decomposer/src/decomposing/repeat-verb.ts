/**
 * Repeats a verb that several clauses share:
 *
 *     restart a, then b             ->  restart a, then restart b
 *     write "x" to a and "y" to b   ->  write "x" to a and write "y" to b
 *     turn a off and b on           ->  turn a off and turn b on
 *     create the table, then tests  ->  create the table, then create tests
 */
import { ALL_THINGS } from '@deed/template/things'
import { imperative, isVerb, OPERATING, openingLength, PARTICLES } from './imperatives.ts'
import { mask } from './mask.ts'
import { objectsOf } from './objects.ts'

export function repeatVerb(sentence: string): string {
  return thenAgain(thingsAgain(sameAgain(sentence)))
}

const END = /[.!?]{0,3}\s{0,16}$/
const THEN = /\s{0,8},?\s{1,8}(?:and\s{1,8})?(?:then|after that|afterwards|finally)\b[\s,]{1,8}/gi

/** Repeats the verb where only names follow "then". */
function thenAgain(text: string): string {
  const end = END.exec(text)?.index ?? text.length
  let result = ''
  let at = 0
  let verb: string | undefined
  for (const joint of [...mask(text).matchAll(THEN), undefined]) {
    const to = joint?.index ?? end
    const part = text.slice(at, to)
    const again = verb !== undefined && namesOnly(part)
    if (!again) verb = operating(part)
    result += `${again ? `${verb} ` : ''}${part}${joint?.[0] ?? text.slice(end)}`
    at = to + (joint?.[0].length ?? 0)
  }
  return result
}

const VERB = new RegExp(`^([a-z]{2,20}(?:\\s{1,8}(?:${[...PARTICLES].join('|')})(?=\\s))?)\\s`, 'i')

export function operating(part: string): string | undefined {
  const text = part.slice(openingLength(part))
  const verb = imperative(text)
  return verb !== undefined && OPERATING.has(verb) ? VERB.exec(text)?.[1]?.toLowerCase() : undefined
}

export const namesOnly = (part: string): boolean =>
  part.split(/\s{0,8},\s{0,8}(?:and\s{1,8})?|\s{1,8}and\s{1,8}/).every((name) => objectsOf(name)?.role === 'listed')

const THING = '(?:\\uE000{1,8192}|[\\w@./-]{0,128}[-_./\\d][\\w@./-]{0,128})'
const PAIR = `${THING}\\s{1,4}(?:(?:to|into|in|as|with|containing)\\s{1,4}(?:the file\\s{1,4})?${THING}|(?:on|off|up|down)(?![\\w-]))`
const FIRST = new RegExp(`([a-z]{2,20})\\s{1,4}(?:the file\\s{1,4})?${PAIR}(?=[\\s,])`, 'iy')
const NEXT = new RegExp(`(\\s{0,4},?\\s{1,4}(?:and\\s{1,4})?(?:then\\s{1,4})?)${PAIR}(?![\\w-])`, 'iy')

/** The same construction again without its verb. */
function sameAgain(text: string): string {
  const masked = mask(text)
  FIRST.lastIndex = openingLength(masked)
  const first = FIRST.exec(masked)
  const verb = first?.[1] ?? ''
  if (!first || imperative(verb) === undefined) return text
  let result = text.slice(0, FIRST.lastIndex)
  let at = FIRST.lastIndex
  for (;;) {
    NEXT.lastIndex = at
    const next = NEXT.exec(masked)
    if (!next) break
    const [whole, joint = ''] = next
    result += `${joint}${verb} ${text.slice(at + joint.length, at + whole.length)}`
    at += whole.length
  }
  return /^[.!?\s]*$/.test(text.slice(at)) ? result + text.slice(at) : text
}

const MAKING = new Set('add build create develop generate implement make scaffold write'.split(' '))
const OTHER_THING =
  /\s{0,4},?\s{1,4}(?:and\s{1,4})?(?:then|after that|afterwards)\s{1,4}|\s{0,4},\s{1,4}(?:and\s{1,4})?|\s{1,4}and\s{1,4}/gi
const FOLLOWS = /\b(?:then|after that|afterwards)\b/i
const A_THING =
  /^(?:(the|an?|some|its|their)\s{1,4})?((?:(?!(?:with|for|of|in|to|from|on|that|which|using|as|by|a|an|the)\b)[\w-]{1,40}\s{1,4}){0,4}?)([a-z]{3,20})(?:\s{1,4}(?:for|of)\s{1,4}(?:the\s{1,4})?((?:[\w-]{1,40})(?:\s{1,4}[\w-]{1,40}){0,3}?))?((?:\s{1,4}(?:in|using)\s{1,4}[\w./-]{1,100}){0,2})[\s.!]{0,4}$/i
/** These describe a thing, and are not its name. */
const NO_NAME = new Set(
  'unit integration rest http json api nats database sql db new simple small basic test'.split(' '),
)

/**
 * The verb that makes several things, before each of them. The one name that is said is that of all: "create the orders
 * table, then the endpoint" makes the endpoint for orders.
 */
function thingsAgain(text: string): string {
  const masked = mask(text)
  const opening = openingLength(masked)
  const verb = imperative(masked)
  if (verb === undefined || !MAKING.has(verb)) return text
  const start = opening + (/^[a-z]+\s{1,4}(?:me\s{1,4})?/i.exec(masked.slice(opening))?.[0].length ?? 0)
  const things: { text: string; joint: string; name: string | undefined; behind: number }[] = []
  let at = start
  let joint = ''
  let rest = ''
  for (const end of [...masked.slice(start).matchAll(OTHER_THING), undefined]) {
    const to = end === undefined ? text.length : start + end.index
    const thing = thingIn(masked.slice(at, to), things.length === 0 || FOLLOWS.test(joint))
    if (!thing) {
      rest = joint + text.slice(at)
      break
    }
    things.push({ text: text.slice(at, to), joint, ...thing })
    joint = end?.[0] ?? ''
    at = to + joint.length
  }
  if (things.length < 2) return text
  const names = new Set(things.flatMap(({ name }) => name?.toLowerCase() ?? []))
  const [only] = things.flatMap(({ name }) => name ?? [])
  const shared = names.size === 1 && only !== undefined ? ` for ${only}` : ''
  const said = things.map(({ text: thing, joint, name, behind }) => {
    const own = name === undefined ? thing.slice(0, behind) + shared + thing.slice(behind) : thing
    return `${joint}${verb} ${own}`
  })
  return text.slice(0, opening) + said.join('') + rest
}

/** @returns its name, and where words about it would be inserted; undefined if it is something else */
function thingIn(piece: string, clear: boolean): { name: string | undefined; behind: number } | undefined {
  const found = A_THING.exec(piece)
  if (!found) return undefined
  const [, determiner, words = '', thing = '', of, tail = ''] = found
  if (!ALL_THINGS.has(thing.toLowerCase())) return undefined
  const own = words
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '' && !NO_NAME.has(word.toLowerCase()))
  // "create a table and view it": without an article or "then" the word may be a verb.
  const first = (words.trim() || thing).split(/\s+/)[0]?.toLowerCase() ?? ''
  if (!clear && determiner === undefined && (isVerb(first) || own.length > 0)) return undefined
  const end = piece.replace(/[\s.!]+$/, '').length
  return { name: of ?? (own.length > 0 ? own.join(' ') : undefined), behind: end - tail.trimEnd().length }
}
