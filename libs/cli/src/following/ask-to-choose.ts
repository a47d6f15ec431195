/** A question about the words of a task: asked at the terminal, and answered by number or in other words. */
import type { Bus } from '@deed/mesh/bus'
import { decideApproval } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import { chooseReading, type OpenQuestion, type PersonTask } from '@deed/proto/person'
import { howToChoose, questionText } from '../show/question.ts'
import { suggestionLines } from '../show/suggestions.ts'
import type { Output } from '../terminal/output.ts'
import { plainLine } from '../terminal/plain-text.ts'

/**
 * Shows the question, and asks the person at the terminal until the answer is accepted.
 *
 * @param decided aborts when it is answered elsewhere
 * @returns whether it was answered, here or elsewhere
 */
export async function askToChoose(out: Output, bus: Bus, task: PersonTask, decided: AbortSignal): Promise<boolean> {
  const { approval_id: id, question } = task
  if (!question) return false
  out.note(questionText(task, question, out.paint))
  for (;;) {
    const said = await askOnce(out, question, decided, howToChoose(task))
    if (said === undefined) {
      if (!decided.aborted) out.note(howToChoose(task))
      return decided.aborted
    }
    try {
      if (said === 'none') await bus.call(decideApproval, { approval_id: id, decision: 'deny', reason: NONE })
      else await bus.call(chooseReading, { approval_id: id, ...said })
      return true
    } catch (error) {
      if (error instanceof DeedError && error.code === 'approval_already_used') return true
      if (!(error instanceof DeedError) || error.retryable || FINAL.has(error.code)) throw error
      out.note([`${error.code}: ${plainLine(error.message)}`, ...suggestionLines(error.body)].join('\n'))
    }
  }
}

/** No other answer is taken either. */
const FINAL: ReadonlySet<string> = new Set(['forbidden', 'approval_expired', 'not_found'])

const NONE = 'none of the readings is meant'

type Said = { option: string } | { words: string } | 'none'

async function askOnce(
  out: Output,
  { options }: OpenQuestion,
  decided: AbortSignal,
  unanswered: string,
): Promise<Said | undefined> {
  const numbers = options.length > 1 ? `1-${options.length}, ` : options.length === 1 ? '1, ' : ''
  for (;;) {
    const answer = await out.ask(`Which one? [${numbers}o: other words, n: none] `, decided, unanswered)
    if (answer === undefined) return undefined
    const key = answer.trim().toLowerCase()
    const option = optionOf({ options }, key)
    if (option !== undefined) return { option }
    if (key === 'n') return 'none'
    if (key !== 'o') continue
    const words = await out.ask('In other words: ', decided, unanswered)
    if (words === undefined) return undefined
    if (words.trim() !== '') return { words: words.trim() }
  }
}

/** @param text the option's id, or its number from 1 @returns undefined if there is none */
export const optionOf = ({ options }: Pick<OpenQuestion, 'options'>, text: string): string | undefined =>
  (options.find(({ id }) => id === text) ?? options[/^[1-9]$/.test(text) ? Number(text) - 1 : -1])?.id
