/**
 * Decides whether two sentences may have the same answer. It only refuses: similar words are no reason to agree.
 *
 * Similarity cannot decide this: "copy prod to staging" and "copy staging to prod" have nearly the same vector.
 */
import type { Sentence } from './sentence.ts'

/** Of the two sentences, which guard refuses; undefined if they say the same in the same order. */
export type Guard = 'literal' | 'number' | 'negation' | 'opposite' | 'mood' | 'order' | 'word'

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const NEGATIONS = list(`
  not no never none nothing nobody neither nor without cannot except unless but only dont avoid instead rather unlike
  nicht kein keine nie pas jamais sans nunca sin niet geen`)
const NEGATED = /n't$/
const NUMBERS = list(`
  zero one two three four five six seven eight nine ten eleven twelve dozen hundred thousand million half twice once
  first second third last next previous both all every any some each single`)
const YES_OR_NO = list('is are am was were do does did has have had can could should shall will would may might must')
/** Words of which a sentence has the one or the other. */
const OPPOSITES: readonly (readonly [string, string])[] = `
  on off|up down|in out|to from|enable disable|enabled disabled|before after|start stop|started stopped|restart stop|restarted stopped|add remove|
  send receive|sent received|old new|older newer|oldest newest|open close|open closed|opened closed|lock unlock|
  locked unlocked|increase decrease|raise lower|more less|more fewer|most least|min max|minimum maximum|first last|
  allow deny|allow block|grant revoke|approve reject|accept reject|accept decline|mount unmount|install uninstall|
  attach detach|connect disconnect|import export|upload download|push pull|encrypt decrypt|compress extract|
  create delete|create destroy|keep delete|keep remove|show hide|include exclude|upgrade downgrade|promote demote|
  scale shrink|above below|over under|inside outside|internal external|public private|read write|source target|
  primary secondary|primary replica|master replica|left right|fast slow|fastest slowest|large small|largest smallest|
  biggest smallest|longest shortest|highest lowest|same different|success failure|succeeded failed|pass fail|
  passed failed|healthy unhealthy|valid invalid|used unused|known unknown|resume pause|resume suspend|commit revert|
  apply revert|backup restore|freeze unfreeze|archive unarchive|subscribe unsubscribe|top withdraw|buy sell|credit debit`
  .split('|')
  .map((pair) => pair.trim().split(' ') as [string, string])

const isLiteral = (word: string): boolean => word.startsWith('=')
const isNumber = (word: string): boolean => /\d/.test(word) || NUMBERS.has(word)
/** It is answered with yes or no. */
const isQuestion = ([first = '', ...rest]: readonly string[]): boolean => YES_OR_NO.has(first) || rest.at(-1) === '=?'
const isNegation = (word: string): boolean => NEGATIONS.has(word) || NEGATED.test(word)

/**
 * Why two sentences do not say the same in the same words. The vector is no part of it: every word that is not left out
 * by `readSentence` has to be in both, at the same place.
 *
 * @returns the guard that refuses first, or undefined
 */
export function difference(one: Sentence, other: Sentence): Guard | undefined {
  const refused = hardDifference(one.content, other.content)
  if (refused) return refused
  return equal(one.content, other.content) ? undefined : 'word'
}

/**
 * Why a question may not have the answer that all its neighbours share, although their words differ: it lacks a word
 * that all of them have, has one that no question with this answer had, or differs from each neighbour in a number, a
 * name, a negation, an opposite, the mood or the order of what both say.
 *
 * @param hasWord whether a question with this answer had the word
 */
export function differenceFromAll(
  asked: Sentence,
  neighbours: readonly Sentence[],
  hasWord: (word: string) => boolean,
): Guard | undefined {
  const [nearest] = neighbours
  const words = new Set(asked.content)
  const common = nearest?.content.filter((word) => neighbours.every(({ content }) => content.includes(word))) ?? []
  if (!common.every((word) => words.has(word)) || !asked.content.every(hasWord)) return 'word'
  const refused = neighbours.map(({ content }) => hardDifference(asked.content, content))
  return refused.includes(undefined) ? undefined : refused[0]
}

function hardDifference(one: readonly string[], other: readonly string[]): Guard | undefined {
  if (!equal(one.filter(isLiteral), other.filter(isLiteral))) return 'literal'
  if (!equal(one.filter(isNumber), other.filter(isNumber))) return 'number'
  if (!equal(one.filter(isNegation).sort(), other.filter(isNegation).sort())) return 'negation'
  if (isQuestion(one) !== isQuestion(other)) return 'mood'
  const [ours, theirs] = [new Set(one), new Set(other)]
  const opposes = ([a, b]: readonly [string, string]): boolean =>
    (ours.has(a) && theirs.has(b) && !(ours.has(b) && theirs.has(a))) ||
    (ours.has(b) && theirs.has(a) && !(ours.has(a) && theirs.has(b)))
  if (OPPOSITES.some(opposes)) return 'opposite'
  const shared = (of: readonly string[], by: ReadonlySet<string>): string[] => [
    ...new Set(of.filter((word) => by.has(word))),
  ]
  return equal(shared(one, theirs), shared(other, ours)) ? undefined : 'order'
}

const equal = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((word, index) => word === other[index])
