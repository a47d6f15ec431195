/**
 * Repeats a verb that several clauses share:
 *
 *     restart a, then b             ->  restart a, then restart b
 *     write "x" to a and "y" to b   ->  write "x" to a and write "y" to b
 *     turn a off and b on           ->  turn a off and turn b on
 */
import { imperative, OPERATING, openingLength, PARTICLES } from './imperatives.ts'
import { mask } from './mask.ts'
import { objectsOf } from './objects.ts'

export function repeatVerb(sentence: string): string {
  return thenAgain(sameAgain(sentence))
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
