/**
 * Rewrites a sentence into the order in which it is done, with "then" between the steps:
 *
 *     start b after stopping a · stop a before you start b · start b, but first stop a   ->  stop a, then start b
 *     stop a and once that's done start b                                                ->  stop a and then start b
 *     restart b after a · restart a first and b afterwards                               ->  restart a, then restart b
 *     a: stop, then start                                                                ->  stop a, then start a
 *
 * A sentence in another form is returned as it is.
 */
import { imperative, OPERATING, openingLength, operatingVerbOf } from './imperatives.ts'
import { mask } from './mask.ts'
import { objectsOf } from './objects.ts'
import { namesOnly, operating, repeatVerb } from './repeat-verb.ts'

export function inTurn(sentence: string): string {
  return repeatVerb(turned(afterThat(fragments(sentence))))
}

const END = /[.!?]{0,3}\s{0,16}$/
const DONE =
  /\b(?:once|when|as soon as|after)\s{1,8}(?:(?:that|this|it|you|they)(?:['’](?:s|re)|\s{1,8}(?:is|are|has|have))?\s{1,8})?(?:been\s{1,8})?(?:done|finished|completed?)\b[\s,]{0,8}/i
const ONLY_THEN = /\bonly (?=then\b)/i

/** "once that's done" says no more than "then". */
function afterThat(text: string): string {
  const only = ONLY_THEN.exec(mask(text))
  const plain = only ? text.slice(0, only.index) + text.slice(only.index + only[0].length) : text
  const found = DONE.exec(mask(plain))
  if (!found) return plain
  const before = plain.slice(0, found.index)
  const behind = plain.slice(found.index + found[0].length)
  return /^[.!?\s]*$/.test(behind) ? `then ${before.trimEnd()}${behind.trim()}` : `${before}then ${behind}`
}

const TURN = /\b(before|after)\s{1,8}(you\s{1,8}|you(?:'ve| have)\s{1,8})?([a-z]{2,24})\b/gi
const NAMES_TURNED = /\s{0,8},?\s{1,8}(before|after|followed by)\s{1,8}(?=[A-Za-z\uE000])/i
const AFTERWARDS = /(?:\s{1,8}first)?\s{0,8},?\s{1,8}and\s{1,8}([^,]{1,200}?)\s{1,8}(?:afterwards|after that)$/i
const BUT_FIRST = /\s{0,8},?\s{1,8}but\s{1,8}(?:first|before that)\b[\s,]{1,8}/i

function turned(text: string): string {
  const masked = mask(text)
  const end = END.exec(text)?.index ?? text.length
  const but = BUT_FIRST.exec(masked)
  if (but) return reordered(text, text.slice(but.index + but[0].length, end), text.slice(0, but.index), end)
  const named = namesTurned(text, masked, end)
  if (named) return named
  const [found, ...others] = masked.matchAll(TURN)
  if (found === undefined || others.length > 0) return text
  const [words, when = '', you = '', word = ''] = found
  const verb = you === '' ? operatingVerbOf(word) : OPERATING.has(word.toLowerCase()) ? word : undefined
  if (verb === undefined) return text
  const from = found.index + words.length
  let other = text.slice(0, found.index).replace(/[\s,]+$/, '')
  let own = verb + text.slice(from, end)
  if (openingLength(masked.slice(0, found.index)) === found.index) {
    // "before restarting a, check b" does not ask for the restart.
    const comma = masked.indexOf(',', from)
    if (you === '' || comma < 0) return text
    own = verb + text.slice(from, comma)
    other = text.slice(comma + 1, end).trim()
  }
  const acts = objectsOf(own)?.role === 'object' || /^[a-z]+(?: it| them)?(?: again)?$/i.test(own)
  if (!acts || !OPERATING.has(imperative(other) ?? '')) return text
  return when.toLowerCase() === 'before' ? reordered(text, other, own, end) : reordered(text, own, other, end)
}

/** Only names follow, so the verb is repeated: "restart a before b". */
function namesTurned(text: string, masked: string, end: number): string | undefined {
  const found = NAMES_TURNED.exec(masked) ?? AFTERWARDS.exec(masked.slice(0, end))
  if (!found) return undefined
  const [words, when = ''] = found
  const after = found.index + words.length
  const first = text.slice(0, found.index)
  const verb = operating(first)
  const turns = /^(?:before|after|followed by)$/i.test(when)
  const names = turns ? text.slice(after, end) : text.slice(found.index, after).replace(AFTERWARDS, '$1')
  if (verb === undefined || objectsOf(first)?.role !== 'object' || !namesOnly(names)) return undefined
  const other = `${verb} ${names}`
  return when.toLowerCase() === 'after' ? reordered(text, other, first, end) : reordered(text, first, other, end)
}

function reordered(text: string, first: string, second: string, end: number): string {
  if (imperative(first) === undefined || imperative(second) === undefined) return text
  return `${first.trim()}, then ${second.trim()}${text.slice(end)}`
}

const FRAGMENT = /^([A-Za-z0-9_@/][\w@./-]{0,62}):\s{1,8}([a-z]{2,20}(?:\s{1,8}(?:again|now))?)$/i
const NO_SUBJECT = new Set(
  'also do first important next note now please reminder step task then todo warning'.split(' '),
)

/** "a: stop, then start; b: restart"; every part is a bare verb. */
function fragments(text: string): string {
  if (!text.includes(': ') || text.length > 1_000) return text
  const end = END.exec(text)?.index ?? text.length
  let result = ''
  let subject: string | undefined
  for (const part of text.slice(0, end).split(/(\s*[,;]\s*(?:and\s+)?(?:then\s+)?|\s+and\s+(?:then\s+)?|\s+then\s+)/)) {
    if (/^\s*(?:[,;]|and\b|then\b)/.test(part) && imperative(part.trim()) === undefined) {
      result += part.replace(/\bthen\s+$/, '')
      continue
    }
    const [, name, verb = part.trim()] = FRAGMENT.exec(part.trim()) ?? []
    const again = name === undefined && subject !== undefined
    subject = name ?? subject
    const [bare = '', later = ''] = verb.split(/\s+/)
    if (subject === undefined || NO_SUBJECT.has(subject.toLowerCase()) || !OPERATING.has(bare.toLowerCase()))
      return text
    if (again) result = result.replace(/(?:\s*[,;]|\s+and)?\s*$/, ', then ')
    result += `${bare} ${subject}${later === '' ? '' : ` ${later}`}`
  }
  return result + text.slice(end)
}
