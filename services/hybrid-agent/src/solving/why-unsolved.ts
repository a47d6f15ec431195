/** Why no model has solved a task, and what the caller may change. */
import { DeedError } from '@deed/proto/errors'
import type { OfferedModel } from '../models/model-provider.ts'

const MESSAGE_CHARS_MAX = 4_000

/** What was tried for a task. */
export interface Tries {
  models: readonly OfferedModel[]
  /** Over all attempts of the task. */
  calls: number
  /** Calls that no budget has room for. */
  overBudget: number
  /** Models that are skipped because they have failed several times. */
  skipped: number
  /** A sentence for each thing that went wrong. */
  readonly troubles: string[]
}

/** @param suggest tasks that can be done here, near these words */
export function whyUnsolved(tries: Tries, suggest: () => readonly string[]): DeedError {
  const { models, calls, overBudget, skipped, troubles } = tries
  if (overBudget > 0 && overBudget === troubles.length) {
    const message = 'no rule knows this task, and a model call may cost more than the remaining budget'
    return new DeedError('budget_exceeded', `${message}; resume it with a higher budget_usd, or on another day`)
  }
  // The server may return soon; the task is retried with backoff.
  if (skipped > 0) return failure('model_failed', `waiting for a model: ${troubles.join('; ')}`)
  if (models.length === 0) return notUnderstood(suggest(), troubles)
  const why = troubles.length === 0 ? `models were asked ${calls} times for it` : troubles.join('; ')
  const message = `no rule knows this task, and no model solved it: ${why}. Rephrase it, or split it into smaller steps`
  return failure('no_solution', message, { path: '$.task' })
}

/** No rule knows the words, and there is no model to ask. */
function notUnderstood(suggestions: readonly string[], troubles: readonly string[]): DeedError {
  const examples = suggestions.length === 0 ? '' : ` Try: ${suggestions.map((one) => JSON.stringify(one)).join(', ')}.`
  const advice = `To use a model: start Ollama, or set models.ollama_host (${troubles.join('; ')})`
  return failure('not_understood', `no rule and no model understands these words.${examples} ${advice}`, {
    path: '$.task',
    details: { suggestions: [...suggestions] },
  })
}

const failure = (...[code, message, options]: ConstructorParameters<typeof DeedError>): DeedError =>
  new DeedError(code, message.slice(0, MESSAGE_CHARS_MAX), options)
