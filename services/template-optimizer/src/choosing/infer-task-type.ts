/**
 * Infers the type of a task from its words.
 *
 * Words vote for types with a weight; the first verb weighs most: "document the API" asks for text, not for an API. One
 * pass over the first words, with one map look-up per word.
 */
import { TASK_TYPES, type TaskType, VOCABULARY } from '../templates/task-type-vocabulary.ts'

export interface InferredType {
  readonly taskType: TaskType
  /** 0 to 1; lower if another type is nearly as likely. */
  readonly confidence: number
}

/** The beginning of a task states its subject; pasted code after it would mislead. */
const CHARS_READ_MAX = 600

/** With this much evidence the confidence is the type's own. */
const EVIDENCE_ENOUGH = 3

const GENERAL: InferredType = { taskType: 'general', confidence: VOCABULARY.general.confidence }

/** Words before the verb that do not belong to the task. */
const COURTESIES = new Set(
  'please can could would you i we need want to a an the should must let us lets now just kindly hi hello hey help me and then also go ahead'.split(
    ' ',
  ),
)

type Votes = readonly (readonly [type: number, weight: number])[]
const leads = new Map<string, Votes>()
const words = new Map<string, Votes>()
for (const [index, type] of TASK_TYPES.entries()) {
  const { lead, strong, medium, weak } = VOCABULARY[type]
  learn(leads, lead, index, 3)
  learn(words, strong, index, 3)
  learn(words, medium, index, 2)
  learn(words, weak, index, 1)
}

/** Pure; the same words give the same type. Ties are won by the type that comes first in `TASK_TYPES`. */
export function inferTaskType(task: string): InferredType {
  const votes = new Float64Array(TASK_TYPES.length)
  const heard = new Set<Votes>()
  let previous = ''
  let led = false
  for (const [word] of task
    .slice(0, CHARS_READ_MAX)
    .toLowerCase()
    .matchAll(/[a-z][a-z0-9]*|\d+/g)) {
    if (!led && !COURTESIES.has(word)) {
      led = true
      add(votes, heard, leads.get(word) ?? leads.get(stem(word)))
    }
    add(votes, heard, words.get(word) ?? words.get(stem(word)))
    if (previous !== '') add(votes, heard, words.get(`${previous} ${word}`) ?? words.get(`${previous} ${stem(word)}`))
    previous = word
  }
  return strongest(votes)
}

function add(votes: Float64Array, heard: Set<Votes>, found: Votes | undefined): void {
  // Each expression counts once, however often it occurs.
  if (found === undefined || heard.has(found)) return
  heard.add(found)
  for (const [type, weight] of found) votes[type] = (votes[type] ?? 0) + weight
}

function strongest(votes: Float64Array): InferredType {
  let best = 0
  let second = 0
  let bestIndex = -1
  for (let index = 0; index < votes.length; index++) {
    const vote = votes[index] ?? 0
    if (vote > best) {
      second = best
      best = vote
      bestIndex = index
    } else if (vote > second) second = vote
  }
  const taskType = TASK_TYPES[bestIndex]
  if (taskType === undefined || best < 2) return GENERAL
  const evidence = Math.min(1, best / EVIDENCE_ENOUGH)
  const margin = (best - second) / best
  const confidence = VOCABULARY[taskType].confidence * evidence * (0.5 + 0.5 * Math.min(1, 2 * margin))
  return { taskType, confidence: Math.round(confidence * 1000) / 1000 }
}

/** Strips plural and verb endings, roughly: the vocabulary contains the resulting stems. */
function stem(word: string): string {
  if (word.length > 5 && word.endsWith('ing')) return word.slice(0, -3)
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.length > 3 && word.endsWith('s') && !word.endsWith('ss')) return word.slice(0, -1)
  if (word.length > 4 && word.endsWith('ed')) return word.slice(0, -2)
  return word
}

function learn(into: Map<string, Votes>, expressions: string, type: number, weight: number): void {
  for (const expression of expressions.split(',')) {
    const words = expression.trim()
    if (words !== '') into.set(words, [...(into.get(words) ?? []), [type, weight]])
  }
}
