/** The cost of a call by the prices of execution.yaml; a model without a price, such as a local one, is free. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { DeedError } from '@deed/proto/errors'

export type Prices = ExecutionConfig['models']['prices']

/** Token limits of a call; reported figures above them are invalid. */
export const PROMPT_TOKENS_MAX = 16_384
export const ANSWER_TOKENS_MAX = 8_192

export interface Usage {
  readonly promptTokens: number
  readonly answerTokens: number
  /** The server reported no usage, or invalid usage. */
  readonly unknown: boolean
}

export interface Charge {
  readonly microusd: number
  /** The usage is unknown, so the call is charged its maximum. */
  readonly unknown: boolean
}

/** The maximum cost of a call, in whole millionths of a dollar, rounded up. */
export const costMax = (prices: Prices, model: string): number =>
  costOf(prices, model, PROMPT_TOKENS_MAX, ANSWER_TOKENS_MAX)

export function chargeFor(prices: Prices, model: string, { promptTokens, answerTokens, unknown }: Usage): Charge {
  return unknown
    ? { microusd: costMax(prices, model), unknown }
    : { microusd: costOf(prices, model, promptTokens, answerTokens), unknown }
}

/**
 * The usage that a model server reports; invalid figures count as unknown.
 *
 * @param prompt undefined means 0: Ollama omits the count if the prompt was cached
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

/** The usage of a call that broke off is unknown; a call that no server accepted used nothing. */
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
  // One dollar per million tokens is one millionth of a dollar per token.
  return Math.ceil(promptTokens * price.prompt_usd_per_million + answerTokens * price.answer_usd_per_million)
}
