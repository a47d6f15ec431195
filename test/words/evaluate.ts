/** How many sentences are understood as they are meant, and how far the confidence can be trusted. */
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import type { Meaning, Sentence } from './sentences.ts'
import {
  type ReadAction,
  type TaskReading,
  type Understand,
  type Understood,
  understandTask,
} from './understand-task.ts'

/**
 * right: done as it is meant. offered: asked, with the right reading among the options. asked: without it.
 * nothing: neither. wrong_read: other actions, which change nothing. wrong_effect: other actions.
 */
export type Verdict = 'right' | 'offered' | 'asked' | 'nothing' | 'wrong_read' | 'wrong_effect'

export interface Judged {
  readonly sentence: Sentence
  readonly understood: Understood
  readonly verdict: Verdict
}

export function judge(understand: Understand, sentence: Sentence): Judged {
  const understood = understandTask(understand, sentence.say)
  return { sentence, understood, verdict: verdictOn(sentence, understood) }
}

function verdictOn(sentence: Sentence, understood: Understood): Verdict {
  if (understood.outcome === 'nothing') return 'nothing'
  if (understood.outcome === 'asks')
    return understood.options.some((option) => isMeant(sentence, option)) ? 'offered' : 'asked'
  if (isMeant(sentence, understood.reading)) return 'right'
  const changes = understood.reading.actions.some(({ kind, input }) => mayChange(kind, input))
  return changes ? 'wrong_effect' : 'wrong_read'
}

/** Whether the actions are those of one of the meanings: none is missing, none is added, and their order is right. */
function isMeant({ means, or, tags }: Sentence, { actions }: TaskReading): boolean {
  const inOrder = tags.includes('in-order')
  return [means, ...or].some((meaning) => meaning.length > 0 && areMeant(meaning, actions, inOrder))
}

function areMeant(means: readonly Meaning[], actions: readonly ReadAction[], inOrder: boolean): boolean {
  if (means.length !== actions.length) return false
  const places: number[] = []
  for (const meaning of means) {
    const place = actions.findIndex((action, index) => !places.includes(index) && isAction(meaning, action))
    if (place < 0) return false
    places.push(place)
  }
  const follows = (place: number, index: number): boolean =>
    index === 0 || (actions[place]?.after.has(places[index - 1] ?? -1) ?? false)
  return !inOrder || places.every(follows)
}

const isAction = ({ kind, input, answer }: Meaning, action: ReadAction): boolean =>
  kind === action.kind && contains(action.input, input) && (answer === undefined || answer === action.answer)

/** Whether every field of `part` is in `whole`; lists and values must be equal, but for a `/` at the end of a folder. */
function contains(whole: Json | undefined, part: Json): boolean {
  if (typeof whole === 'string' && typeof part === 'string') return whole === part || whole === `${part}/`
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return isDeepStrictEqual(whole, part)
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false
  return Object.entries(part).every(([key, value]) => contains(whole[key], value))
}

export interface Figures {
  /** Sentences that mean something. */
  readonly meant: number
  /** Of them, in percent; a question with the right reading counts half, and whole where it is as right as an action. */
  readonly right_percent: number
  readonly verdicts: Record<Verdict, number>
  /** `right_percent` of the sentences that mean one action of this kind, or several actions. */
  readonly right_percent_by_kind: Record<string, number>
  /** Sentences that must cause nothing. */
  readonly forbidden: number
  /** Of them, in percent: no action followed. */
  readonly caused_nothing_percent: number
  /** Of them, in percent: asked about, though a question is not as right as doing nothing. */
  readonly asked_about_percent: number
  /** Of all sentences: those that changed what was not meant. */
  readonly wrong_effects: number
  /** The mean distance of confidence and share of right readings, in ten bins. */
  readonly calibration_error: number
}

export function figuresOf(judged: readonly Judged[]): Figures {
  const meant = judged.filter(({ sentence }) => sentence.means.length > 0)
  const forbidden = judged.filter(({ sentence }) => sentence.means.length === 0)
  const verdicts = { right: 0, offered: 0, asked: 0, nothing: 0, wrong_read: 0, wrong_effect: 0 }
  for (const { verdict } of meant) verdicts[verdict]++
  // Of a sentence whose meaning is open, one reading may be right.
  const harmless = forbidden.filter(({ understood, verdict }) => understood.outcome !== 'acts' || verdict === 'right')
  const asked = forbidden.filter(({ understood, sentence }) => understood.outcome === 'asks' && !sentence.asks_ok)
  return {
    meant: meant.length,
    right_percent: rightPercent(meant),
    verdicts,
    right_percent_by_kind: Object.fromEntries(
      [...Map.groupBy(meant, kindOf)].map(([kind, some]) => [kind, rightPercent(some)]).toSorted(),
    ),
    forbidden: forbidden.length,
    caused_nothing_percent: percent(harmless.length, forbidden.length),
    asked_about_percent: percent(asked.length, forbidden.length),
    wrong_effects: judged.filter(({ verdict }) => verdict === 'wrong_effect').length,
    calibration_error: calibrationError(judged),
  }
}

const kindOf = ({ sentence: { means } }: Judged): string => (means.length > 1 ? 'several' : (means[0]?.kind ?? 'none'))

const rightPercent = (judged: readonly Judged[]): number =>
  percent(
    judged.reduce((sum, one) => sum + pointsOf(one), 0),
    judged.length,
  )

function pointsOf({ verdict, sentence }: Judged): number {
  if (verdict === 'right') return 1
  return verdict === 'offered' ? (sentence.asks_ok ? 1 : 0.5) : 0
}

const percent = (part: number, whole: number): number => (whole === 0 ? 100 : Math.round((10_000 * part) / whole) / 100)

const BINS = 10

/** Of the first reading of every sentence that has one. */
function calibrationError(judged: readonly Judged[]): number {
  const bins = Array.from({ length: BINS }, () => ({ confidence: 0, right: 0, count: 0 }))
  let count = 0
  for (const { sentence, understood } of judged) {
    const reading = understood.outcome === 'acts' ? understood.reading : undefined
    const first = reading ?? (understood.outcome === 'asks' ? understood.options[0] : undefined)
    const bin = first && bins[Math.min(BINS - 1, Math.floor(first.confidence * BINS))]
    if (!first || !bin) continue
    bin.confidence += first.confidence
    bin.right += isMeant(sentence, first) ? 1 : 0
    bin.count++
    count++
  }
  const distance = bins.reduce((sum, bin) => sum + Math.abs(bin.confidence - bin.right), 0)
  return count === 0 ? 0 : Math.round((10_000 * distance) / count) / 10_000
}
