/**
 * Models of API providers, called through the provider packages of the AI SDK. A package is loaded with the first question
 * to its provider, so one that is not used costs neither time nor memory.
 */

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { ApiProvider } from '@deed/config/api-providers'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import { boundedFetch, named } from './bounded-fetch.ts'
import type { ModelAnswer, ModelProvider, Question } from './model-provider.ts'
import { ANSWER_TOKENS_MAX, promptTokensMax, usageOf } from './price-of.ts'
import type { ChatMessage } from './prompt.ts'

export type ApiKeys = Partial<Readonly<Record<ApiProvider, string>>>

interface Settings {
  readonly apiKey?: string
  readonly baseURL: string
  readonly fetch: typeof fetch
}

/** Always given, so that no client reads it from the environment. */
const URLS: Record<Exclude<ApiProvider, 'openai-compatible'>, string> = {
  anthropic: 'https://api.anthropic.com/v1',
  openai: 'https://api.openai.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
}

const CLIENTS: Record<ApiProvider, (settings: Settings) => Promise<(model: string) => LanguageModelV4>> = {
  anthropic: async (settings) => (await import('@ai-sdk/anthropic')).createAnthropic(settings),
  openai: async (settings) => (await import('@ai-sdk/openai')).createOpenAI(settings),
  google: async (settings) => (await import('@ai-sdk/google')).createGoogle(settings),
  'openai-compatible': async (settings) =>
    (await import('@ai-sdk/openai-compatible')).createOpenAICompatible({
      ...settings,
      name: 'openai-compatible',
      includeUsage: true,
    }),
}

/** These refuse a schema of our size or kind, or do not know schemas: it is part of their prompt. */
const SCHEMA_IN_PROMPT: ReadonlySet<ApiProvider> = new Set(['google', 'openai-compatible'])

/** The strict modes of these APIs know only a part of JSON Schema. `store`: the provider keeps no copy. */
const OPTIONS: NonNullable<LanguageModelV4CallOptions['providerOptions']> = {
  anthropic: { structuredOutputMode: 'jsonTool' },
  openai: { strictJsonSchema: false, store: false },
}

/**
 * @param models their names without the provider
 * @param key redacted everywhere from now on; may be absent for a server that needs none
 * @param url base address; default: that of the provider
 */
export function apiModels(
  provider: ApiProvider,
  models: readonly string[],
  { key, url }: { key?: string | undefined; url?: string | undefined },
): ModelProvider {
  const baseURL = url ?? (provider === 'openai-compatible' ? undefined : URLS[provider])
  if (key !== undefined) registerSecret(key)
  let client: Promise<(model: string) => LanguageModelV4> | undefined
  return {
    list: async () => models.map((model) => ({ name: `${provider}/${model}`, provider, bytes: 0 })),
    ask: (question) =>
      named(async () => {
        if (baseURL === undefined) throw new DeedError('model_failed', 'it has no address in models.api_urls')
        client ??= CLIENTS[provider]({ ...defined({ apiKey: key }), baseURL, fetch: boundedFetch() })
        const open = await client
        return readStream(open(question.model.slice(provider.length + 1)), provider, question)
      }),
  }
}

/** Other reasons mean that the provider stopped, or that its connection did. */
const ENDED: ReadonlySet<string> = new Set(['stop', 'length', 'tool-calls', 'content-filter'])

async function readStream(
  client: LanguageModelV4,
  provider: ApiProvider,
  { model, messages, schema, signal }: Question,
): Promise<ModelAnswer> {
  const inPrompt = SCHEMA_IN_PROMPT.has(provider)
  const { stream } = await client.doStream({
    prompt: promptOf(messages, inPrompt ? schema : undefined),
    maxOutputTokens: ANSWER_TOKENS_MAX,
    responseFormat: { type: 'json', name: 'plan', ...(inPrompt ? {} : { schema }) },
    providerOptions: OPTIONS,
    abortSignal: signal,
  })
  let text = ''
  let thinking = ''
  for await (const part of stream) {
    if (part.type === 'text-delta') text += part.delta
    else if (part.type === 'reasoning-delta') thinking += part.delta
    else if (part.type === 'error') throw part.error instanceof Error ? part.error : new Error(saying(part.error))
    else if (part.type === 'finish') {
      const { finishReason, usage } = part
      if (!ENDED.has(finishReason.unified)) break
      // The clients read a count that is no number as 0, which none can be.
      const { total: promptTokens } = usage.inputTokens
      const used = usageOf(
        promptTokens || undefined,
        usage.outputTokens.total || undefined,
        promptTokensMax(messages, schema),
      )
      return { text, thinking, usage: used, ...(finishReason.unified === 'length' ? { cut: true } : {}) }
    }
  }
  throw new DeedError('model_failed', `${model} stopped in the middle of its answer`)
}

/** A provider's error event: an object with a message, or with an object that has one. */
function saying(error: unknown): string {
  return typeof error === 'string' ? error : JSON.stringify(error).slice(0, 300)
}

/** @param schema added to the system message */
function promptOf(messages: readonly ChatMessage[], schema: object | undefined): LanguageModelV4Prompt {
  return messages.map(({ role, content }) => {
    if (role !== 'system') return { role, content: [{ type: 'text', text: content }] }
    const extended = schema ? `${content}\n\nJSON schema of the answer:\n${JSON.stringify(schema)}` : content
    return { role, content: extended }
  })
}
