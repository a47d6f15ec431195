/** Makes the question where words can be read in several ways, or leave out what is meant. */
import type { AgentReply, AgentTask, QuestionOption, Solution } from '@deed/proto/agent'
import { applies, type Meant, outcomeOf } from '../rules/decide.ts'
import type { SlotValue } from '../rules/slots.ts'
import { type EntityValue, isOfType, type Vocabulary } from '../rules/vocabulary.ts'
import type { MissingSlot } from './fill-intent.ts'
import type { Candidate } from './similar.ts'

/** From here on a reading is asked about. */
const ASK = 0.35
/** Another reading is offered if it is at least this likely, as a share of the best. */
const RIVAL = 0.3
const OPTIONS_MAX = 5
const TEXT_MAX = 512

/** @param candidates best first, only those that may be done */
export function asksAmong(
  candidates: readonly Candidate[],
  task: AgentTask,
  vocabulary: Vocabulary,
): AgentReply | undefined {
  const [best] = candidates
  if (!best || best.confidence < ASK || best.obstacle !== undefined) return undefined
  const solutions = new Map<string, Solution>()
  for (const candidate of candidates) {
    if (candidate.confidence < Math.max(best.confidence * RIVAL, ASK * RIVAL) || candidate.obstacle !== undefined) break
    for (const solution of solutionsOf(candidate, task, vocabulary)) {
      const key = JSON.stringify(solution.actions)
      if (!solutions.has(key) && solutions.size < OPTIONS_MAX) solutions.set(key, solution)
    }
  }
  return questionOf([...solutions.values()])
}

/**
 * Where two rules have the same words.
 *
 * @returns undefined if they come to the same actions, or one of them cannot be done
 */
export function asksBetween(tied: readonly Meant[], task: AgentTask, vocabulary: Vocabulary): AgentReply | undefined {
  const solutions = new Map<string, Solution>()
  for (const meant of tied) {
    const reply = outcomeOf(meant, task, vocabulary)
    if (reply.outcome !== 'handled') return undefined
    const { solution } = reply
    solutions.set(JSON.stringify(solution.actions.map(({ action }) => action)), {
      ...solution,
      confidence: 1 / tied.length,
      reading: { text: readingOf(solution), by: 'choice' },
    })
  }
  return solutions.size === 1 ? undefined : questionOf([...solutions.values()])
}

function questionOf(solutions: readonly Solution[]): AgentReply | undefined {
  const options = solutions.map(
    (solution, index): QuestionOption => ({ id: `option-${index + 1}`, reading: readingOf(solution), solution }),
  )
  const [only, another] = options
  if (!only) return undefined
  const text = another
    ? `which is meant: ${options.map(({ reading }) => reading).join(', or ')}?`
    : `is this meant: ${only.reading}?`
  return { outcome: 'asks', question: { text: text.slice(0, 1_024), options } }
}

/** What would be done, in words: the titles of the actions. */
export function readingOf({ actions }: Solution): string {
  const [first, ...others] = actions.map(({ title }) => title)
  const text =
    others.length === 0
      ? first!
      : others.length === 1
        ? `${first} and ${others[0]}`
        : `${first}, and ${others.length} more`
  return text.slice(0, TEXT_MAX)
}

function solutionsOf({ intent, filled, confidence }: Candidate, task: AgentTask, vocabulary: Vocabulary): Solution[] {
  const { rule } = intent
  const [missing, ...more] = filled.missing
  if (more.length > 0) return []
  const values = missing
    ? valuesFor(
        missing,
        filled.among.map(({ name }) => name),
        vocabulary,
      )
    : [undefined]
  return values.flatMap((value) => {
    const slots = missing && value !== undefined ? { ...filled.slots, [missing.name]: value } : filled.slots
    if (!applies(rule, slots, task, vocabulary)) return []
    const reply = outcomeOf({ rule, pattern: filled.pattern, slots }, task, vocabulary)
    if (reply.outcome !== 'handled') return []
    const solution = { ...reply.solution, confidence: Math.round(confidence * 1_000) / 1_000 }
    return [{ ...solution, reading: { text: readingOf(solution), by: 'choice' as const } }]
  })
}

/** The names that may fill a slot: few enough to choose from. */
function valuesFor(
  { type, argument }: MissingSlot,
  among: readonly string[],
  vocabulary: Vocabulary,
): readonly SlotValue[] {
  if (among.length > 0) return among
  if (type === 'target' || type === 'targets') {
    return [...vocabulary.targets.values()]
      .filter((target) => argument === undefined || argument.split('|').some((one) => isOfType(target.type, one)))
      .map(({ name }) => name)
      .slice(0, OPTIONS_MAX)
  }
  if (type !== 'entity') return []
  const nouns = argument === 'singular' ? vocabulary.singulars : vocabulary.plurals
  return [...nouns.values()]
    .flat()
    .flatMap(({ entities }): EntityValue[] => (entities.length === 1 && entities[0] ? [entities[0]] : []))
    .slice(0, OPTIONS_MAX)
}
