/** `models` of execution.yaml: which models may be asked, and what they may cost. */
import { ModelCategory } from '@deed/proto/model'
import { z } from 'zod'
import { API_PROVIDERS } from './api-providers.ts'

/** Keys are sent to it. */
function isSafeForKeys(text: string): boolean {
  const url = URL.parse(text)
  if (url?.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))
}
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

export const ModelSettings = {
  default_timeout_seconds: z.number().positive().max(3_600).default(120),
  preferred_local: z
    .array(z.string())
    .default([])
    .describe('Names of local models, in order of preference. Empty: chosen by measurement.'),
  fallback_to_api: z
    .boolean()
    .default(true)
    .describe(
      'Whether the models of `api_models` and those that `prices` names may be asked, after those that cost nothing.',
    ),
  api_models: z
    .array(
      z
        .string()
        .max(128)
        .regex(
          new RegExp(`^(?:${API_PROVIDERS.join('|')})/[A-Za-z0-9][A-Za-z0-9._:/-]*$`),
          `must be a provider (${API_PROVIDERS.join(', ')}), a slash and the provider's name of the model`,
        ),
    )
    .default([])
    .describe(
      'Models of API providers, such as `anthropic/claude-sonnet-4-5`. Each needs the key of its provider in the environment, and an entry in `prices`.',
    ),
  api_urls: z
    .partialRecord(
      z.enum(API_PROVIDERS),
      z.string().refine(isSafeForKeys, 'must be an https URL, or an http URL of this host'),
    )
    .default({})
    .describe(
      'Base addresses of APIs, such as `openai-compatible: https://llm.example.com/v1`. Without an entry, the address of the provider.',
    ),
  categories: z
    .record(z.string().min(1), z.array(ModelCategory).min(1))
    .default({})
    .describe('What a model is good at, by its full name. Default: judged by its name and size.'),
  ollama_host: z.string().optional().describe('Address of Ollama; or the variable OLLAMA_HOST.'),
  prices: z
    .record(
      z.string().min(1),
      z.strictObject({
        prompt_usd_per_million: z.number().min(0).max(10_000),
        answer_usd_per_million: z.number().min(0).max(10_000),
      }),
    )
    .default({})
    .describe(
      'By the full name of the model. A local model without a price costs nothing; an API model without a price is not asked.',
    ),
  budget_usd_per_day: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe(
      'What the models of one tenant may cost in a day (UTC), besides the budget of each request. Default: no limit.',
    ),
}
