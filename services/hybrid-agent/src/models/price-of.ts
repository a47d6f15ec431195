/** The cost of a call by the prices of execution.yaml; a model without a price, such as a local one, is free. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { DeedError } from '@deed/proto/errors'
import type { ChatMessage } from './prompt.ts'

export type Prices = ExecutionConfig['models']['prices']

/** Token limits of a call; reported figures above them are invalid. A local server cuts the prompt at its limit. */
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

/** What an API adds to a prompt by itself. */
const API_TOKENS_MAX = 2_048

/** An API does not cut a prompt, and no tokenizer makes more tokens than the text has bytes. */
export const promptTokensMax = (messages: readonly ChatMessage[], schema: object): number =>
  Buffer.byteLength(JSON.stringify([messages, schema])) + API_TOKENS_MAX

/**
 * The maximum cost of a call, in whole millionths of a dollar, rounded up.
 *
 * @param promptMax tokens of the prompt at most
 */
export const costMax = (prices: Prices, model: string, promptMax: number): number =>
  costOf(prices, model, promptMax, ANSWER_TOKENS_MAX)

export function chargeFor(
  prices: Prices,
  model: string,
  { promptTokens, answerTokens, unknown }: Usage,
  promptMax: number,
): Charge {
  return unknown
    ? { microusd: costMax(prices, model, promptMax), unknown }
    : { microusd: costOf(prices, model, promptTokens, answerTokens), unknown }
}

/**
 * The usage that a model server reports; invalid figures count as unknown.
 *
 * @param promptMax tokens of the prompt at most
 */
export function usageOf(prompt: unknown, answer: unknown, promptMax: number): Usage {
  const promptTokens = count(prompt, promptMax)
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

/** In whole millionths of a dollar, rounded up. */
export function costOf(prices: Prices, model: string, promptTokens: number, answerTokens: number): number {
  const price = prices[model]
  if (price === undefined) return 0
  // One dollar per million tokens is one millionth of a dollar per token.
  return Math.ceil(promptTokens * price.prompt_usd_per_million + answerTokens * price.answer_usd_per_million)
}
