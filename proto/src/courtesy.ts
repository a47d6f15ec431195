/**
 * What surrounds an instruction and carries none: greetings, requests, thanks, urgency and hedges, the number of a ticket,
 * a mention, a priority. The decomposer and the agent leave out the same words.
 */

/** The alternatives of each line, as words: `(a|b) c` is "a c" and "b c", and `(a|)` may be left out. */
function phrases(lines: string): (readonly string[])[] {
  const expand = (line: string): string[] => {
    const found = /\(([^()]*)\)/.exec(line)
    if (!found) return [line.replaceAll(/\s+/g, ' ').trim()]
    const [whole, inside = ''] = found
    return inside.split('|').flatMap((one) => expand(line.replace(whole, one)))
  }
  const all = new Set(lines.trim().split('\n').flatMap(expand))
  return [...all].map((phrase) => phrase.split(' ')).sort((a, b) => b.length - a.length)
}

const GREETINGS = phrases(`
  good (morning|afternoon|evening|day)
  (morning|evening|afternoon|hello|hi|hey|howdy|dear) (all|team|folks|deed|there|everyone|everybody|guys|oncall|)
  sorry to bother you
  (yes|yep|yeah|yup)
  sorry
  excuse me
  deed
  my friend
  mate
  buddy
  folks
  (ok|okay) so
  (ok|okay|alright|well|um|uh|hmm|fyi|btw|heads up|by the way)
  quick (question|one)
  one more thing`)

/** Somebody is asked to do what follows. */
const REQUESTS = phrases(`
  (please|pls|plz|kindly)
  (please|) go ahead and
  (can|could|would|will) (you|u) (please|pls|plz|kindly|maybe|perhaps|quickly|just|)
  (can|could|would) (somebody|someone|anybody|anyone|one of you) (please|pls|plz|kindly|)
  (somebody|someone) please
  would you be so kind as to
  would you be able to
  (do|would) you mind
  mind
  be so kind
  be so kind (as to|and)
  do me a (favour|favor)
  do me a (favour|favor) and
  i (would be grateful|would appreciate|would appreciate it|would love it) if you (could|can|would)
  (it would be|would be) (great|nice|good|lovely|helpful) if (you|someone|somebody) (could|can|would)
  (may|can|could) i ask you to
  i am asking you to
  are you able to
  (is there|) any chance (you|we|someone|somebody) (can|could)
  (i|we) would like (you to|to|)
  (i|we) (need|want)
  (i|we) (need|want) (you to|to)
  i would love to
  let us
  (let us|lets) go ahead and
  you can
  you (need|have) to
  we have to
  (feel free|make sure|be sure|remember) to`)

const THANKS = phrases(`
  (thank you|thanks) (very much|so much|in advance|a lot|a million|a bunch|again|mate|all|)
  many thanks
  much appreciated
  (appreciate|appreciated) it
  (thx|thnx|ty|tyvm|tysm|tia|cheers|kthx|kthxbye|danke|merci)`)

const URGENCY = phrases(`
  (it|this|that) is (urgent|important|an emergency|a priority|critical|time critical|high priority)
  (in|as we are in) a hurry
  (right|straight) away
  right now
  at once
  (real|very|super) (quick|quickly)
  (asap|immediately|urgently|urgent|quickly|emergency)
  as (soon|quickly|fast) as (possible|you can)
  at your earliest convenience
  once more
  one more time
  for (me|us)
  to (me|us)`)

const HEDGES = phrases(`
  if you (do not mind|would be so kind|can|could|please)
  if (that|it) is (ok|okay|fine|possible|not too much trouble)
  if possible
  (if|when|whenever|once) you (get|have) (a|some) (chance|moment|minute|second|sec|min)
  (if|when|whenever|once) you have time
  when (you can|possible)
  to be honest
  (tbh|imo|imho|afaik|afaict)
  i (guess|think|believe|suppose so)
  i am afraid
  (it|) looks like
  it seems (like|that|)
  (apparently|basically|obviously|just|real|simply)
  you know
  all over the place`)

/** Phrases without instruction, longest first; each is a clause, or part of one. */
export const COURTESY: readonly (readonly string[])[] = [
  ...GREETINGS,
  ...REQUESTS,
  ...THANKS,
  ...URGENCY,
  ...HEDGES,
].sort((a, b) => b.length - a.length)

/** Those after which an instruction begins: they say nothing about how certain it is. */
const OPENINGS = [...GREETINGS, ...REQUESTS].sort((a, b) => b.length - a.length)

const contracted = (word: string): string =>
  ({ us: "us|let's|lets", would: "would|['’]d", am: "am|['’]m" })[word] ?? word
const OPENING = new RegExp(
  `^(?:${OPENINGS.map((words) => words.map((word) => `(?:${contracted(word)})`).join(String.raw`\s{1,4}`)).join('|')})(?![\\w'’/.-])[\\s,!:]{0,8}`,
  'i',
)

const TICKET = String.raw`(?:[A-Z][A-Z0-9]{1,9}-\d{1,9}|#\d{1,9}|(?:[Tt]icket|[Ii]ncident|[Ii]ssue|[Cc]ase|INC|CHG|REQ)\s?#?\d{2,12})`
const PRIORITY = String.raw`(?:[Pp]|[Pp]rio|[Pp]riority|[Ss]ev|SEV|[Ss]everity)[\s-]?[0-5]`
/** Only punctuation tells a ticket in front from a text that is searched for. */
const LABEL = new RegExp(
  String.raw`^\s*(?:@[\w.-]{1,64}[,:]?(?=\s)|[[(]\s?(?:${TICKET}|${PRIORITY})\s?[\])]\s{0,4}[:,–—-]?|(?:[Rr]e:?\s)?(?:${TICKET}|${PRIORITY})(?:\s{0,4}[:,]|\s{1,4}[–—-]{1,2})(?=\s))\s{0,8}`,
)
const LABELS_MAX = 4

/** How many of the first characters only say whom, how urgently or for which ticket: "@deed INC-42: restart it". */
export function labelsLength(text: string): number {
  let length = 0
  for (let round = 0; round < LABELS_MAX; round++) {
    const found = LABEL.exec(text.slice(length, length + 128))
    if (!found || found[0].length >= text.length - length) break
    length += found[0].length
  }
  return length
}

/** How many of the first characters are labels, greetings and requests. */
export function openingLength(text: string): number {
  const labels = labelsLength(text)
  const found = OPENING.exec(text.slice(labels, labels + 128))
  return labels + (found?.[0].length ?? 0)
}

/** A question that asks somebody to do something: "would you restart it?". */
export const ASKS_TO =
  /^(?:(?:can|could|would|will) (?:you|u|somebody|someone|anybody|anyone|one of you)\b|(?:may|can|could) i ask you|(?:(?:do|would) you )?mind$|are you able|(?:is there )?any chance)/
