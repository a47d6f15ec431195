/** What a call costs, by the prices of execution.yaml; a model that has none is free, as local ones are. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { DeedError } from '@deed/proto/errors'

export type Prices = ExecutionConfig['models']['prices']

/** What a call may take at most; what a server reports beyond it cannot be. */
export const PROMPT_TOKENS_MAX = 16_384
export const ANSWER_TOKENS_MAX = 8_192

export interface Usage {
  readonly promptTokens: number
  readonly answerTokens: number
  /** The server reported no such figures, or some that cannot be. */
  readonly unknown: boolean
}

export interface Charge {
  readonly microusd: number
  /** It is charged at the most that it may cost. */
  readonly unknown: boolean
}

/** In whole millionths of a dollar, rounded up. */
export const costMax = (prices: Prices, model: string): number =>
  costOf(prices, model, PROMPT_TOKENS_MAX, ANSWER_TOKENS_MAX)

export function chargeFor(prices: Prices, model: string, { promptTokens, answerTokens, unknown }: Usage): Charge {
  return unknown
    ? { microusd: costMax(prices, model), unknown }
    : { microusd: costOf(prices, model, promptTokens, answerTokens), unknown }
}

/**
 * A model server's report of a call: figures that cannot be are none.
 *
 * @param prompt undefined is 0: Ollama says nothing of a prompt that it had read before
 */
export function usageOf(prompt: unknown, answer: unknown): Usage {
  const promptTokens = count(prompt === undefined ? 0 : prompt, PROMPT_TOKENS_MAX)
  const answerTokens = count(answer, ANSWER_TOKENS_MAX)
  return {
    promptTokens: promptTokens ?? 0,
    answerTokens: answerTokens ?? 0,
    unknown: [promptTokens, answerTokens].includes(undefined),
  }
}

/** Nothing is known of what a call took that broke off; one that the server did not take up took nothing. */
export const usageOfFailed = ({ details }: DeedError): Usage => ({
  promptTokens: 0,
  answerTokens: 0,
  unknown: details?.not_taken_up !== true,
})

const count = (value: unknown, max: number): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined

function costOf(prices: Prices, model: string, promptTokens: number, answerTokens: number): number {
  const price = prices[model]
  if (price === undefined) return 0
  // A dollar for a million tokens is a millionth for each.
  return Math.ceil(promptTokens * price.prompt_usd_per_million + answerTokens * price.answer_usd_per_million)
}
