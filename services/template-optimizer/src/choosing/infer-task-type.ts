/**
 * Infers the type of a task from its words.
 *
 * Words vote for types with a weight; the first verb weighs most: "document the API" asks for text, not for an API. The
 * votes are the prior of a linear model over n-grams, which is trained from `training/task-types.jsonl` at the first start.
 * Its chances are calibrated: of the types that it gives a chance of 80 %, four of five
 * are right.
 */
import { readFileSync } from 'node:fs'
import { chancesOf, type LinearModel } from '@deed/classifier/linear-model'
import { trainedModel } from '@deed/classifier/stored-model'
import { featuresOf } from '@deed/text/features'
import { TASK_TYPES, type TaskType, VOCABULARY } from '../templates/task-type-vocabulary.ts'
import { seededRandom } from './seeded-random.ts'

export interface InferredType {
  readonly taskType: TaskType
  /** 0 to 1: the chance that it is right. */
  readonly confidence: number
}

/** The beginning of a task states its subject; pasted code after it would mislead. */
const CHARS_READ_MAX = 600

/** What a vote adds to the score of a type, and the temperature of the sum; both by ten-fold cross-validation on new sentences. */
const VOTE = 1.5
const TEMPERATURE = 0.9
/** A type with a smaller chance is not named. */
const CHANCE_MIN = 0.4

const GENERAL: InferredType = { taskType: 'general', confidence: CHANCE_MIN }
const SEED = 'task types'

/** Words before the verb that do not belong to the task. */
const COURTESIES = new Set(
  'please can could would you i we need want to a an the should must let us lets now just kindly hi hello hey help me and then also go ahead'.split(
    ' ',
  ),
)

type Votes = readonly (readonly [type: number, weight: number])[]
const leads = new Map<string, Votes>()
const byWord = new Map<string, Votes>()
for (const [index, type] of TASK_TYPES.entries()) {
  const { lead, strong, medium, weak } = VOCABULARY[type]
  learn(leads, lead, index, 3)
  learn(byWord, strong, index, 3)
  learn(byWord, medium, index, 2)
  learn(byWord, weak, index, 1)
}

const model = trained()

/** Pure; the same words give the same type. */
export function inferTaskType(task: string): InferredType {
  const words = wordsOf(task)
  if (words.length === 0) return GENERAL
  const votes = votesOf(words)
  const scores = model.scores(featuresOf(words))
  const chances = chancesOf(
    Array.from(scores, (score, type) => score + VOTE * (votes[type] ?? 0)),
    TEMPERATURE,
  )
  const chance = Math.max(...chances)
  const taskType = TASK_TYPES[chances.indexOf(chance)]
  if (taskType === undefined || chance < CHANCE_MIN) return GENERAL
  return { taskType, confidence: Math.round(chance * 1000) / 1000 }
}

function trained(): LinearModel {
  const lines = readFileSync(new URL('../../training/task-types.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  const examples = lines.map((line) => {
    const { task, type } = JSON.parse(line) as { task: string; type: TaskType }
    return { words: wordsOf(task), label: TASK_TYPES.indexOf(type) }
  })
  return trainedModel(examples, TASK_TYPES.length, TASK_TYPES.indexOf('general'), seededRandom(SEED))
}

function wordsOf(task: string): string[] {
  return (
    task
      .slice(0, CHARS_READ_MAX)
      .toLowerCase()
      .match(/[a-z][a-z0-9]*|\d+/g) ?? []
  )
}

/** Of each type. */
function votesOf(words: readonly string[]): Float64Array {
  const votes = new Float64Array(TASK_TYPES.length)
  const heard = new Set<Votes>()
  let previous = ''
  let led = false
  for (const word of words) {
    if (!led && !COURTESIES.has(word)) {
      led = true
      add(votes, heard, leads.get(word) ?? leads.get(stem(word)))
    }
    add(votes, heard, byWord.get(word) ?? byWord.get(stem(word)))
    if (previous !== '') add(votes, heard, byWord.get(`${previous} ${word}`) ?? byWord.get(`${previous} ${stem(word)}`))
    previous = word
  }
  return votes
}

function add(votes: Float64Array, heard: Set<Votes>, found: Votes | undefined): void {
  // Each expression counts once, however often it occurs.
  if (found === undefined || heard.has(found)) return
  heard.add(found)
  for (const [type, weight] of found) votes[type] = (votes[type] ?? 0) + weight
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
