/**
 * Finds the tasks in a text that asks for several: lists, sentences, clauses.
 *
 * A wrong split does what nobody asked for, a missing split costs little; so anything doubtful stays together:
 * conditions, relative clauses, pronouns that refer back, quotations.
 */
import { misspeltJoints } from '@deed/proto/joints'
import { mayBeSeveral } from '@deed/proto/task'
import { beginsClause, imperative, isPoliteQuestion, isVerb, openingLength, reachesFar } from './imperatives.ts'
import { inTurn } from './in-turn.ts'
import { mask } from './mask.ts'
import { type Clause, inOrder, type Step } from './order-clauses.ts'
import { nameReferents, refersBack } from './refer-back.ts'

/** Longer texts are documents, not lists of instructions. */
const CHARS_MAX = 8_192
const CLAUSES_MAX = 100
/** A clause may have several sentences. */
const SENTENCES_MAX = 400

/** @returns undefined if the text asks for one thing */
export function splitClauses(written: string): Clause[] | undefined {
  if (written.length > CHARS_MAX || !mayBeSeveral(written)) return undefined
  const text = withJoints(written)
  const masked = mask(text)
  const steps = listed(text, masked) ?? spoken(text, masked)
  return steps === undefined || steps.length < 2 || steps.length > CLAUSES_MAX
    ? undefined
    : inOrder(shareRestrictions(steps))
}

/** "thne" is "then", outside of quoted text. */
function withJoints(text: string): string {
  let joined = ''
  let from = 0
  for (const { start, end, joint } of misspeltJoints(mask(text))) {
    joined += text.slice(from, start) + joint
    from = end
  }
  return joined + text.slice(from)
}

// Lists

const ITEM = /^([ \t]*)(?:[-*•]|\(?\d{1,3}[.)])[ \t]+(?=\S)/
const INLINE_ITEM = /(?:^|[\s;,:])\(?(\d{1,3})[.)]\s{1,8}/g
/** Introduces a list and says nothing else. */
const ANNOUNCEMENT =
  /^(?:(?:please|kindly|can you|could you)\s+)?(?:(?:do|perform|run|execute|complete|carry out|follow|i need|here are)\s+)?(?:(?:the|these|those|all|following|my|next|two|three|four|five|few|some)\s+)*(?:(?:steps?|tasks?|things?|actions?|jobs?|to-?dos?|work|plan|following|this|in order|for me|please)\s*)*[:.]?$/i

function listed(text: string, masked: string): Step[] | undefined {
  const found = itemsOfLines(text, masked) ?? itemsInLine(text, masked)
  if (found === undefined) return undefined
  const { before, items, behind } = found
  if (items.length < 2 || items.length > SENTENCES_MAX || !items.every((item) => imperative(item) !== undefined))
    return undefined
  const intro = ANNOUNCEMENT.test(before.trim()) ? '' : before.trim()
  const steps: Step[] = []
  const named = nameReferents()
  for (const written of items.map(tidy)) {
    const item = named(written, !isConditional(mask(written)))
    const previous = steps.at(-1)
    if (previous !== undefined && refersBack(mask(item))) {
      steps[steps.length - 1] = { ...previous, text: `${previous.text}\n${item}` }
    } else steps.push({ title: item, text: joined(intro, item), inTurn: true })
  }
  return behind === '' ? steps : steps.map((step) => ({ ...step, text: joined(step.text, behind) }))
}

interface Items {
  before: string
  items: string[]
  behind: string
}

function itemsOfLines(text: string, masked: string): Items | undefined {
  if (!masked.includes('\n')) return undefined
  const found: Items = { before: '', items: [], behind: '' }
  let indent: number | undefined
  let blank = false
  let position = 0
  for (const maskedLine of masked.split('\n')) {
    const line = text.slice(position, position + maskedLine.length)
    position += maskedLine.length + 1
    const item = ITEM.exec(maskedLine)
    const depth = item?.[1]?.length ?? 0
    if (item && (indent === undefined || depth <= indent)) {
      indent = depth
      found.items.push(line.slice(item[0].length))
    } else if (found.items.length === 0) found.before += `${line}\n`
    else if (blank && line !== '' && !/^\s/.test(line)) found.behind = joined(found.behind, line)
    else if (found.behind !== '') found.behind += `\n${line}`
    else found.items[found.items.length - 1] += `\n${line}`
    blank = maskedLine.trim() === ''
  }
  return found.items.length < 2 ? undefined : { ...found, behind: found.behind.trim() }
}

/** "1. do a 2. do b": numbered from one without a gap. */
function itemsInLine(text: string, masked: string): Items | undefined {
  const marks = [...masked.matchAll(INLINE_ITEM)]
  if (marks.length < 2 || marks.some((mark, index) => Number(mark[1]) !== index + 1)) return undefined
  const items = marks.map((mark, index) => text.slice(mark.index + mark[0].length, marks[index + 1]?.index))
  return { before: text.slice(0, marks[0]?.index), items, behind: '' }
}

// Sentences

const SENTENCE_END = /[.!?]["')\]\uE000]{0,3}\s{1,16}(?=\S)|\n\s{0,16}(?=\S)|\s{1,8}[-–—]\s{1,8}(?=\S)/g
const ABBREVIATION = /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|no|fig|mr|mrs|dr|st|v|[A-Za-z])$/i
/** A line with such an end continues in the next one. */
const UNFINISHED = /(?:,|\b(?:and|or|to|the|a|an|of|for|with|in|on|can|that))\s*$/i
const QUESTION = /^(?:how|what|which|who|whose|where|why|when|is|are|do|does|did|has|have)\b/i
/** Restricts other clauses and is not a task itself. */
const RESTRICTION =
  /^(?:do not|don't|never|only|avoid|without|no\b|be careful|make sure|ensure|remember|keep|important|note|stay)\b/i

interface Sentence {
  readonly text: string
  readonly masked: string
}

interface Group {
  readonly sentences: Sentence[]
  asks: boolean
}

function spoken(text: string, masked: string): Step[] | undefined {
  const groups: Group[] = []
  const restrictions: string[] = []
  const named = nameReferents()
  const written = sentences(text, masked)
  if (written.length > SENTENCES_MAX) return undefined
  for (const { text } of written) {
    // Each group that asks becomes a task or more.
    if (groups.length > CLAUSES_MAX && groups.filter(({ asks }) => asks).length > CLAUSES_MAX) return undefined
    const sentence = rewritten(text, named)
    const last = groups.at(-1)
    const opening = openingLength(sentence.masked)
    const body = sentence.masked.slice(opening)
    const place = PLACE.exec(body)?.[0].length ?? 0
    const asks =
      imperative(sentence.masked.slice(opening + place)) !== undefined ||
      (QUESTION.test(body) && (/\?$/.test(body) || questions(body, body) !== undefined))
    if (RESTRICTION.test(body) && last !== undefined) restrictions.push(sentence.text)
    else if (last !== undefined && refersBack(sentence.masked)) {
      last.sentences.push(sentence)
      last.asks ||= asks
    } else if (asks && last !== undefined && !last.asks && groups.some((group) => group.asks)) {
      // A statement between two tasks belongs to the second.
      last.sentences.push(sentence)
      last.asks = true
    } else groups.push({ sentences: [sentence], asks })
  }
  const context: string[] = []
  while (groups[0]?.asks === false)
    context.push(...(groups.shift()?.sentences ?? []).map(({ text }) => sentence(text, true)))
  if (groups.at(-1)?.asks === false) restrictions.unshift(...(groups.pop()?.sentences ?? []).map(({ text }) => text))

  const steps = groups.flatMap(({ sentences }) => {
    const [only] = sentences
    if (only !== undefined && sentences.length === 1) return clauses(only.text, only.masked)
    const title = tidy(sentences.map(({ text }) => text).join(' '))
    return [{ title, text: withoutOpening(title, mask(title)), inTurn: true }]
  })
  return steps.map((step) => ({
    ...step,
    text: [...context, sentence(step.text, context.length + restrictions.length > 0), ...restrictions].join(' '),
  }))
}

/** In the order in which it is done, and with names instead of pronouns; without the announcement of a list. */
function rewritten(written: string, named: (text: string, replaces: boolean) => string): Sentence {
  const colon = COLON.exec(mask(written))?.index ?? -1
  const announced = colon > 0 && ANNOUNCEMENT.test(written.slice(0, colon))
  const ordered = inTurn(announced ? written.slice(colon + 1).trimStart() : written)
  const masked = mask(ordered)
  const text = named(ordered, !isConditional(masked) && !CONTENT.test(masked))
  return { text, masked: mask(text) }
}

function sentences(text: string, masked: string): Sentence[] {
  const found: Sentence[] = []
  let start = 0
  const cut = (end: number, next: number): void => {
    if (text.slice(start, end).trim() !== '') {
      const lead = /^\s*/.exec(text.slice(start, end))?.[0].length ?? 0
      found.push({ text: text.slice(start + lead, end).trimEnd(), masked: masked.slice(start + lead, end).trimEnd() })
    }
    start = next
  }
  for (const end of masked.matchAll(SENTENCE_END)) {
    const next = end.index + end[0].length
    const before = masked.slice(start, end.index)
    if (/[-–—]/.test(end[0])) {
      // A dash ends a report: "demo-api crashed - fix it".
      if (imperative(before) === undefined && imperative(masked.slice(next, next + 128)) !== undefined)
        cut(end.index, next)
    } else if (end[0].startsWith('\n')) {
      // A line break ends a sentence only if the next line asks for an action.
      if (
        UNFINISHED.test(before) ||
        (imperative(masked.slice(next, next + 128)) === undefined && !/\n\s*\n/.test(end[0]))
      )
        continue
      cut(end.index, next)
    } else if (!(end[0].startsWith('.') && ABBREVIATION.test(before))) cut(end.index + end[0].trimEnd().length, next)
  }
  cut(text.length, text.length)
  return found
}

// Clauses

/** The action depends on a condition. */
const CONDITION =
  /\b(?:if|when|whenever|unless|until|once|while|otherwise|else|in case|so that|because|after|before|as soon as|provided|depending|instead|rather|or)\b/i
const isConditional = (masked: string): boolean => CONDITION.test(masked.replace(/\bafter that\b/gi, ''))
const SEQUENCE = '(?:then|after that|afterwards|finally|lastly|next)'
const JOINT = new RegExp(
  String.raw`\s{0,8};\s{0,8}(?:and\s{1,8})?(?:${SEQUENCE}\b[\s,]{1,8})?` +
    String.raw`|\s{0,8},?\s{1,8}(?:and\s{1,8})?(?:then|after that|afterwards)\b[\s,]{1,8}` +
    String.raw`|\s{0,8},\s{0,8}(?:and\s{1,8})?(?:finally|lastly|next)\b[\s,]{1,8}` +
    String.raw`|\s{0,8},\s{1,8}and\s{1,8}(?:also\s{1,8})?|\s{1,8}and\s{1,8}(?:also\s{1,8}|finally\s{1,8})?` +
    String.raw`|\s{0,8},\s{1,8}(?:also\s{1,8})?|\s{1,8}(?:as well as|&)\s{1,8}`,
  'gi',
)
const CLEAR_JOINT = new RegExp(String.raw`;|\b${SEQUENCE}\b`, 'i')
/** A bare verb after these may belong to them: "services that read logs and write metrics". */
const SUBORDINATE =
  /\b(?:that|which|who|whose|where|how|can|could|should|must|will|would|may|so)\b|\bto\s{1,8}([a-z]{2,20})\b/gi
const ASSERTING = /^(?:check|verify|ensure|validate|test|confirm)\s{1,8}$/i
/** The text after these is content, though it is not quoted. */
const CONTENT =
  /\b(?:with (?:the )?(?:contents?|text|message|body)|containing|saying|that (?:says|reads)|the (?:words|text|line|message|sentence|phrase))\b(?!\s{0,8}\uE000)/i
const COLON = /:(?=\s)/
const PLACE = /^(?:in|on|at|for|using|with|inside|within|under)\b[^,]{1,120},\s{1,8}/i
const LANGUAGE_NOTE = /\s*\((?:in\s+)?(?:elixir|rust|typescript|go|python|javascript|sql|yaml|bash)\)\s*[.!]?$/i

/** The clauses of one sentence; the sentence itself if it has one. */
function clauses(text: string, masked: string): Step[] {
  const opening = openingLength(masked)
  const whole: Step[] = [{ title: tidy(text), text: withoutOpening(text, masked), inTurn: true }]
  const place = PLACE.exec(masked.slice(opening))?.[0] ?? ''
  const start = opening + place.length
  const verb = imperative(masked.slice(start))
  if (isConditional(masked)) return whole
  if (verb === undefined) return questions(text, masked) ?? whole

  const limits = {
    subordinate: subordinateAt(masked, start),
    content: CONTENT.exec(masked)?.index ?? masked.length,
    verb,
  }
  const colon = COLON.exec(masked)?.index ?? masked.length
  const pieces: { start: number; end: number; inTurn: boolean }[] = [{ start, end: masked.length, inTurn: true }]
  for (const joint of masked.matchAll(JOINT)) {
    const last = pieces.at(-1)
    const at = joint.index
    if (last === undefined || at < start || at > colon) continue
    const clear = CLEAR_JOINT.test(joint[0])
    const next = at + joint[0].length + openingLength(masked.slice(at + joint[0].length))
    if (!separates(masked.slice(last.start, at), masked.slice(next), at, clear, limits)) continue
    last.end = at
    pieces.push({ start: next, end: masked.length, inTurn: clear })
  }
  const own = pieces.filter((piece, index) => index === 0 || !refersBack(masked.slice(piece.start, piece.end)))
  if (own.length < 2) return whole
  // A question is asked about every clause.
  const asks = !isPoliteQuestion(text) && /\?$/.test(text)
  const note = LANGUAGE_NOTE.exec(text)?.[0].replace(/[.!]$/, '') ?? ''
  return own.map((piece, index) => {
    // A clause that refers back is joined to the previous one.
    const following = own[index + 1]
    const end = following === undefined ? masked.length : (pieces[pieces.indexOf(following) - 1]?.end ?? masked.length)
    const title = tidy(text.slice(piece.start, end)).replace(/ (?:first|afterwards)$|\?$/i, '')
    const noted = note !== '' && !title.endsWith(note.trim()) ? `${title}${note}` : title
    return { title, text: `${place}${noted}${asks ? '?' : ''}`, inTurn: piece.inTurn }
  })
}

const ASKS_AGAIN = /\s{0,8},?\s{1,8}and\s{1,8}(?=(?:how|what|which|who|where|is|are|does)\s)/gi

/** "is a up and how much memory is free?": each is a question of its own. */
function questions(text: string, masked: string): Step[] | undefined {
  if (!QUESTION.test(masked)) return undefined
  const pieces: string[] = []
  let start = 0
  for (const joint of masked.matchAll(ASKS_AGAIN)) {
    const next = joint.index + joint[0].length
    if (refersBack(masked.slice(next)) || /^(?:what|which|who) (?:is|are) [a-z]+\??$/i.test(masked.slice(next)))
      return undefined
    pieces.push(text.slice(start, joint.index))
    start = next
  }
  pieces.push(text.slice(start).replace(/\?$/, ''))
  return pieces.length < 2 ? undefined : pieces.map((title) => ({ title, text: `${title}?`, inTurn: false }))
}

/** Without "first" and "then", which say nothing to who does the task alone, and without politeness. */
function withoutOpening(text: string, masked: string): string {
  const rest = tidy(text.slice(openingLength(masked)))
  return isPoliteQuestion(masked) ? rest.replace(/\?$/, '') : rest
}

const RUNS = new Set(['run', 'execute', 'invoke'])
const EDITS = /^(?:edit|open|modify|take|go to|in)\s{1,8}(?:the\s{1,8}file\s{1,8})?\S{1,256}$/i
const CHANGES = /^(?:change|replace|remove|swap|substitute|correct|fix|delete|append|add)\b/i
const EXPECTED =
  /^(?:check|verify|expect|ensure|validate|confirm|make sure)\b.{0,120}\b(?:exists?|(?:is|be) there|the file)\b/i

function separates(
  left: string,
  right: string,
  at: number,
  clear: boolean,
  { subordinate, content, verb }: { subordinate: number; content: number; verb: string },
): boolean {
  if (!beginsClause(right, clear)) return false
  // "run `make` and check that out.txt exists": what is expected belongs to the command.
  if (RUNS.has(verb) && EXPECTED.test(right)) return false
  // "edit a.txt and change x to y": the first verb only says where.
  if (EDITS.test(left) && CHANGES.test(right)) return false
  const said = left.trim().split(/\s+/)
  const lastSaid = said.at(-1)?.toLowerCase() ?? ''
  // "stop and start x", "read and write files": two verbs share one object.
  if (!clear && (said.length < 2 || isVerb(lastSaid))) return false
  if (!clear && (at > subordinate || reachesFar(imperative(left)))) return false
  // In unquoted content only a repetition of the same construction is a clause: "create a saying x and create b saying
  // y".
  return at <= content || (imperative(right) === verb && CONTENT.test(right))
}

function subordinateAt(masked: string, start: number): number {
  for (const found of masked.slice(start).matchAll(SUBORDINATE)) {
    if (found[1] !== undefined && !isVerb(found[1].toLowerCase())) continue
    if (found[0].toLowerCase() === 'that' && ASSERTING.test(masked.slice(start, start + found.index))) continue
    return start + found.index
  }
  return masked.length
}

// Restrictions

/** Forbids something inside a clause: "and do not touch c". */
const FORBIDDING =
  /(?:[,;.!?]\s{1,8}|\s(?:and|but|while)\s{1,8}|\s(?=without\s[a-z]{2,20}ing\b))(?:please\s)?((?:do not|don['’]?t|never|without|avoid|leave [^.;\n]{1,200} (?:alone|running|untouched|as))\b[^.;\n]{0,400})/gi

/** What one clause forbids counts for all of them. */
function shareRestrictions(steps: readonly Step[]): Step[] {
  const forbidden = new Set<string>()
  for (const { text } of steps)
    for (const { 1: part = '', index, 0: whole } of mask(text).matchAll(FORBIDDING)) {
      const start = index + whole.length - part.length
      forbidden.add(tidy(text.slice(start, start + part.length)).replace(/[!?]+$/, ''))
    }
  return steps.map((step) => {
    const others = [...forbidden].filter((restriction) => !step.text.includes(restriction))
    return others.length === 0
      ? step
      : { ...step, text: [sentence(step.text, true), ...others.map((other) => `${capital(other)}.`)].join(' ') }
  })
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function tidy(text: string): string {
  return text.trim().replace(/(?:[,;]|\s[-–—])[\s,;]*$/, '')
}

function sentence(text: string, among: boolean): string {
  return among && !/[.!?]$/.test(text) ? `${text}.` : text
}

function joined(one: string, other: string): string {
  return one === '' ? other : `${one}\n${other}`
}
