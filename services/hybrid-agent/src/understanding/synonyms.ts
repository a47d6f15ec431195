/**
 * Words and phrases that people use for one another where something is done or asked. A word that can bar a sentence, such
 * as "says", has no synonym.
 */

const GROUPS: readonly (readonly string[])[] = `
  stop terminate end kill halt quit shutdown
  restart reboot reload cycle bounce relaunch recycle
  start launch boot fire
  turn switch power
  off down offline
  on up online
  down stuck hanging frozen unresponsive broken hung
  delete remove erase dispose discard trash unlink drop
  move relocate transfer rename shift
  write record store save note put
  create make generate establish add
  list enumerate show
  show display print reveal open fetch get see view read give output
  find search locate seek look grep
  count tally number
  check inspect examine probe verify test
  wait pause hold
  change alter modify edit adjust update
  replace swap exchange
  append attach add
  deploy release ship publish
  scale resize reduce shrink
  directory folder
  log logs
  person human somebody operator colleague
  ask request assign tell
  running alive up healthy available working
  status state condition health
  text content contents`
  .trim()
  .split('\n')
  .map((line) => line.trim().split(' '))

/** Phrases for one word. */
const PHRASES: readonly (readonly [phrase: readonly string[], word: string])[] = (
  [
    ['set up', 'create'],
    ['get rid of', 'delete'],
    ['dispose of', 'delete'],
    ['throw away', 'delete'],
    ['power cycle', 'restart'],
    ['check in', 'commit'],
    ['kick off', 'start'],
    ['turn of', 'turn off'],
    ['pick up', 'start'],
    ['shut off', 'stop'],
    ['take down', 'stop'],
  ] as const
).map(([phrase, word]) => [phrase.split(' '), word])

export const SYNONYM_WORDS: ReadonlySet<string> = new Set(GROUPS.flat())

const SYNONYMS = new Map(
  [...SYNONYM_WORDS].map((word): [string, readonly string[]] => [
    word,
    GROUPS.filter((group) => group.includes(word)).flatMap((group) => group.filter((one) => one !== word)),
  ]),
)

/** What may be said in place of a word. */
export const synonymsOf = (word: string): readonly string[] => SYNONYMS.get(word) ?? []

/** The first of its group that the rules have, for a word that they have not. */
export const synonymIn = (word: string, lexicon: ReadonlySet<string>): string | undefined =>
  synonymsOf(word).find((one) => lexicon.has(one))

/** The words that may be said in place of a phrase that begins at `at`, and its length. */
export function phraseAt(
  words: readonly string[],
  at: number,
): { readonly said: readonly string[]; readonly length: number } | undefined {
  const found = PHRASES.find(([phrase]) => phrase.every((word, index) => words[at + index] === word))
  return found && { said: found[1].split(' '), length: found[0].length }
}
