/** Compares a sentence with every intent: how likely each is meant, with its slots, and what it leaves unexplained. */

import { chancesOf } from '@deed/classifier/linear-model'
import type { AgentTask } from '@deed/proto/agent'
import { featuresOf } from '@deed/text/features'
import { applies } from '../rules/decide.ts'
import type { Sentence } from '../rules/tokenize.ts'
import type { EntityValue, Vocabulary } from '../rules/vocabulary.ts'
import { cleanSentence } from './clean-sentence.ts'
import { type Filled, fillIntent } from './fill-intent.ts'
import { type Intent, type Intents, isContent } from './intents.ts'
import { isCorrected, type Part } from './parts.ts'
import { FILLERS, REQUESTS_TO_READ, SILENT, stemOf, TYPE_WORDS } from './words.ts'

export interface Candidate {
  readonly intent: Intent
  readonly filled: Filled
  /** Between 0 and 1: that this is what the words mean. */
  readonly confidence: number
  /** Content words that neither the intent nor a slot explains. */
  readonly unexplained: readonly string[]
  /** Why it is not done, however likely it is. */
  readonly obstacle: string | undefined
}

/** Intents whose slots are filled; the others have no chance. */
const COMPARED_MAX = 12
/** Classes that are looked at; half of them may be rules that change something. */
const RANKED_MAX = 40
/** The classes among which chances are shared, as when the model was trained. */
const CHANCES_MAX = 20
/** Each unexplained word leaves this much of the confidence. */
const UNEXPLAINED = 0.55
/** The first content word is mostly the verb: more so. */
const UNEXPLAINED_FIRST = 0.6

interface Comparing {
  /** All parts, from which "it" is resolved. */
  readonly all: readonly Part[]
  readonly sentence: Sentence
  /** No change may follow: such rules are not compared. */
  readonly readsOnly: boolean
  readonly task: AgentTask
  readonly vocabulary: Vocabulary
}

/**
 * @param parts the clauses that instruct or ask
 * @returns best first
 */
export function candidatesFor(
  intents: Intents,
  parts: readonly Part[],
  { all, sentence, readsOnly, task, vocabulary }: Comparing,
): Candidate[] {
  if (parts.length === 0) return []
  const { model, none } = intents
  const scores = model.scores(featuresOf(parts.map(({ word }) => word)))
  const filling = { all, vocabulary, onlyNoun: onlyNounOf(vocabulary), clean: cleanSentence(sentence, parts, false) }
  const compared: { at: number; intent: Intent; filled: Filled }[] = []
  const others: number[] = []
  for (const at of topOf(scores)) {
    const intent = intents.all[at]
    if (!intent || (readsOnly && intent.rule.changes) || !says(intent, parts)) continue
    const filled = compared.length < COMPARED_MAX ? fillIntent(intent, parts, filling) : undefined
    if (filled && (filled.missing.length > 0 || applies(intent.rule, filled.slots, task, vocabulary)))
      compared.push({ at, intent, filled })
    // A rule that does not apply here leaves its chance to its twin that applies.
    else if (!filled) others.push(at)
  }
  const shared = [...compared.map(({ at }) => at), none, ...others.slice(0, Math.max(0, CHANCES_MAX - compared.length))]
  const chances = chancesOf(
    shared.map((at) => scores[at]!),
    model.temperature,
  )
  const stems = parts.map(({ word }) => stemOf(word))
  return compared
    .map(({ intent, filled }, index) => {
      const unexplained = unexplainedBy(intent, filled, parts, stems)
      const triggers = parts.filter(
        ({ kind, word }, at) => kind === 'word' && !SILENT.has(word) && intent.vocabulary.has(stems[at]!),
      )
      // "get" alone begins sentences of many rules; "get it up" is of one.
      const triggered = triggers.length > 1 || triggers.some(({ word }) => !FILLERS.has(word))
      const first = parts.find(({ kind, word }) => kind === 'word' && isContent(word))?.word
      const begins = first !== undefined && unexplained[0] === first ? UNEXPLAINED_FIRST : 1
      const confidence = triggered ? chances[index]! * UNEXPLAINED ** unexplained.length * begins : 0
      return { intent, filled, confidence, unexplained, obstacle: obstacleTo(intents, intent, filled, parts, stems) }
    })
    .sort((a, b) => b.confidence - a.confidence)
}

/** Whether a word is there without which the rule means nothing: "scale it to 3" is never "to none". */
const says = ({ rule }: Intent, parts: readonly Part[]): boolean =>
  rule.says === undefined ||
  parts.some(({ word, value }) => rule.says!.has(word) || rule.says!.has(value.toLowerCase()))

/** The noun of the only entity, if there is one alone. */
export function onlyNounOf({ plurals }: Vocabulary): EntityValue | undefined {
  const [nouns, ...others] = plurals.values()
  const [entity, ...more] = others.length === 0 ? (nouns ?? []).flatMap(({ entities }) => entities) : []
  return more.length === 0 ? entity : undefined
}

/** The best classes, best first. */
function topOf(scores: Float32Array): number[] {
  const top: number[] = []
  let least = Number.NEGATIVE_INFINITY
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at]!
    if (top.length === RANKED_MAX && score <= least) continue
    let place = top.length
    while (place > 0 && scores[top[place - 1]!]! < score) place--
    top.splice(place, 0, at)
    if (top.length > RANKED_MAX) top.pop()
    least = scores[top[top.length - 1]!]!
  }
  return top
}

function unexplainedBy(
  { vocabulary, rule }: Intent,
  { used }: Filled,
  parts: readonly Part[],
  stems: readonly string[],
): string[] {
  return parts
    .filter(
      (part, at) =>
        !used.has(part) &&
        (part.kind === 'word'
          ? // A corrected word that only connects may have been another one.
            (rule.changes && isCorrected(part) && !isContent(part.word)) ||
            (isContent(part.word) &&
              !vocabulary.has(stems[at]!) &&
              !TYPE_WORDS.has(part.word) &&
              (rule.changes || !REQUESTS_TO_READ.has(part.word)))
          : part.kind === 'number'),
    )
    .map(({ word, value }) => (word.startsWith('__') ? value : word))
}

function obstacleTo(
  intents: Intents,
  { vocabulary }: Intent,
  { left, missing, interchangeable }: Filled,
  parts: readonly Part[],
  stems: readonly string[],
): string | undefined {
  const [more] = left
  if (interchangeable) return 'nothing says which value is which'
  if (missing.length > 0 && !pointsAtSomething(parts)) return 'nothing is named'
  if (more) return `"${more.value}" is named besides`
  const other = parts.find(
    ({ kind, word }, at) => kind === 'word' && intents.words.verbs.has(word) && !vocabulary.has(stems[at]!),
  )
  return other && `"${other.word}" asks for something else`
}

/** "the service" and "it" leave open which one is meant; "stop" alone means anything. */
const pointsAtSomething = (parts: readonly Part[]): boolean =>
  parts.some(
    ({ kind, word, targets }, index) =>
      (kind === 'word' && (TYPE_WORDS.has(word) || (POINTING.has(word) && index > 0 && index === parts.length - 1))) ||
      (targets?.length ?? 0) > 1,
  )

const POINTING = new Set(['it', 'one'])
