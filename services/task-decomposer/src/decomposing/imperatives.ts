/** Recognises clauses that ask for an action. */
import { openingLength as courtesyLength } from '@deed/proto/courtesy'
import { errorsOf } from '@deed/proto/joints'

/** Verbs that begin a task. */
const CLEAR = words(`
  add adjust analyse analyze append apply archive assign attach bootstrap bring bump calculate cancel change check clone
  collect combine compare compile compress compute configure connect convert copy create deactivate debug decrease define
  delete deploy describe detect determine diagnose disable disconnect download drain drop edit enable encrypt ensure erase
  evaluate examine execute expand expose extend extract fetch find fix flush generate grant harden identify implement
  import improve increase initialize inline insert inspect install integrate investigate invoke kill launch merge migrate
  minify modify move notify optimise optimize overwrite parse pause ping populate prepare print promote provision prune
  publish pull push read reboot rebuild recreate redeploy redesign reduce refactor refresh regenerate register reindex
  reload remove rename reopen repair replace reproduce reset resize resolve restart restore resume retry retrieve revert shut
  grep curl ls revoke rewrite rollback rotate save scaffold seed send ship show shutdown simplify split start stop store subscribe
  submit summarise summarize suspend swap switch sync terminate translate troubleshoot truncate tune uninstall unlock
  unpack unzip update upgrade upload validate verify wait wipe write develop assess inform delegate explain`)

/** Verbs that are as often nouns or adjectives: after a bare "and" they count only before a clear object. */
const DOUBTFUL = words(`
  alert ask audit back backup benchmark bounce branch build cache call cat clean clear close commit correct count design display document
  draft email export filter format get git give group halt head highlight index kick label link list load lock log look mail make map mark
  measure model monitor name note open order patch plan post power process profile put query rank record recycle release report request
  review roll run scale scan schedule score script search secure set sign snapshot sort spin style tag tail take tell test
  trace track turn undo unit use view warm watch zip`)

/** Verbs that need no object, or precede a preposition: "run the tests, then deploy to staging". */
const ALONE = words(`
  build commit connect deploy log look merge migrate publish push reboot redeploy release report rollback scale ship
  subscribe switch test undo upgrade wait`)

/** These depend on everything before them. */
const CONCLUDING = words(
  'commit deploy merge promote publish push redeploy release report ship summarise summarize test validate verify',
)

/** Verbs that change nothing. */
const READING = words(
  'cat check count curl describe find get grep head inspect list look ls ping print read search show tail tell verify view',
)

/** Verbs of which a plain word is the name of what they act on: "stop billing". */
export const STARTING = words(`
  bounce bring halt kick kill launch pause power reboot recycle redeploy reload restart resume shut start stop switch take
  turn`)

/** Verbs that act on something that exists, and describe no text or code. */
export const OPERATING = new Set([...STARTING, ...words('check deploy inspect ping rollback run test verify')])

/** Of these, a misspelt one begins a clause too. */
const SPELLED = words(
  'restart start stop shut bring turn launch kill bounce check verify write create delete remove commit move show tell make save wait deploy scale',
)
/** Words of their own, though one letter makes them a verb. */
const OTHER_WORDS = words(`
  shop shot star stats state stare smart tart stow sop step atop check chuck white crate bing brine being sow snow how how shoe shoes ell yell
  comet love mode more mace male lunch ill kills wait bait want weight scales turns tun run turm shit shy show save sane wave cave have
  starts stops stat move remote site rite tells teal take`)
const MISSPELT = new Map(
  [...SPELLED].flatMap((verb) =>
    [...errorsOf(verb)]
      .filter((error) => error.length > 2 && !OTHER_WORDS.has(error) && !CLEAR.has(error) && !DOUBTFUL.has(error))
      .map((error) => [error, verb] as const),
  ),
)
const verbOf = (word: string): string => MISSPELT.get(word) ?? word

/** "stopping" -> "stop", for each verb that operates. */
const GERUNDS = new Map<string, string>(
  [...OPERATING].flatMap((verb) =>
    [verb, verb.replace(/e$/, ''), `${verb}${verb.at(-1)}`].map((stem) => [`${stem}ing`, verb] as const),
  ),
)

/** The text after these describes the change itself: "rename a to b and update the callers". */
const FAR_REACHING = words('refactor rename extract inline convert migrate rewrite translate')

export const PARTICLES = words('back down off out over up')
const PREPOSITIONS = words('about as at by for from in into of on onto to with without')

/** Verb and preposition are one verb: "look at demo-api". */
const PHRASAL =
  /^(?:look (?:at|into|after)|(?:turn|switch|power) (?:on|off)|git (?:add|commit|diff|fetch|log|pull|push|revert|show|status)|list [a-z]{2,20}s|(?:tell|show|give) me|make sure (?:that )?\S{1,64} (?:is|are|runs?|works?))\b/i

/** These begin a noun phrase, so the word before them was a verb. */
const DETERMINERS = words(
  'a all an another any both each every everything following how its my no our that the their these this those what whether which your',
)

/** These only lead to what follows. */
const LEADING =
  /^(?:(?:now|also|just|so)\b[\s,]{1,8}|(?:you|we) (?:should|must|need to|have to)\s{1,8}|(?:help me|try) (?:to )?)/i
const POLITE_QUESTION = /\b(?:can|could|would|will) you\s/i
const ORDINAL =
  /^(?:(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth|next|then|after that|afterwards|finally|lastly|last|step \d{1,3}|and(?: then)?)(?:\s{0,8}[,:.]\s{0,8}|\s{1,8})|\d{1,3}[.)]\s{1,8})/i

/** The number of leading characters that are politeness or numbering. */
export function openingLength(text: string): number {
  let length = 0
  for (let round = 0; round < 6; round++) {
    const rest = text.slice(length, length + 160)
    const found = courtesyLength(rest) || (LEADING.exec(rest) ?? ORDINAL.exec(rest))?.[0].length || 0
    if (found === 0) break
    length += found
  }
  return length
}

/** Whether the text is politely asked as a question, so that its question mark means nothing. */
export function isPoliteQuestion(text: string): boolean {
  return POLITE_QUESTION.test(text.slice(0, openingLength(text)))
}

/** The verb of a clause that asks for an action; politeness and numbering are skipped. */
export function imperative(text: string): string | undefined {
  const first = firstWord(text.slice(openingLength(text)))
  const verb = first && verbOf(first)
  return verb !== undefined && (CLEAR.has(verb) || DOUBTFUL.has(verb)) ? verb : undefined
}

/**
 * Whether the text after a separator begins a clause of its own.
 *
 * @param masked without politeness; quoted text is replaced by filler characters
 * @param clear whether the separator itself begins a clause, as "then" does
 */
export function beginsClause(masked: string, clear: boolean): boolean {
  const [, verb = '', , next = ''] = /^([A-Za-z]{2,20})(?:(\s{1,8})([^\s,;]{1,64}))?/.exec(masked) ?? []
  const word = verbOf(verb.toLowerCase())
  // All capitals: SQL or an abbreviation.
  if (verb === verb.toUpperCase() || (!CLEAR.has(word) && !DOUBTFUL.has(word))) return false
  if (/[^\s,;.!?]/.test(masked.charAt(verb.length))) return false
  // "down and back up": the second half of what one verb does.
  if (/^back (?:up|on)(?: again)?[.!?]?$/i.test(masked.trim())) return false
  if (PHRASAL.test(masked.slice(0, 128))) return true
  const object = next.toLowerCase().replace(/[.!?:]+$/, '')
  if (object === '' || PREPOSITIONS.has(object)) return ALONE.has(word) && (clear || !DOUBTFUL.has(word))
  if (clear || CLEAR.has(word) || PARTICLES.has(object)) return true
  return DETERMINERS.has(object) || /[-_./\d\uE000]/.test(next) || /^[A-Z]/.test(next)
}

/** The verb of "stopping"; undefined for a verb that does not operate something. */
export function operatingVerbOf(gerund: string): string | undefined {
  return GERUNDS.get(gerund.toLowerCase())
}

export function isVerb(word: string): boolean {
  return CLEAR.has(word) || DOUBTFUL.has(word)
}

export function concludes(clause: string): boolean {
  const verb = imperative(clause)
  return verb !== undefined && (CONCLUDING.has(verb) || /^(?:run|execute)\b.{0,60}\btests?\b/i.test(clause))
}

/** Whether the verb changes nothing. */
export function changesNothing(verb: string | undefined): boolean {
  return verb !== undefined && READING.has(verb)
}

export function reachesFar(verb: string | undefined): boolean {
  return verb !== undefined && FAR_REACHING.has(verb)
}

function firstWord(text: string): string | undefined {
  return /^([A-Za-z]{2,20})(?![\w-])/.exec(text)?.[1]?.toLowerCase()
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/))
}
