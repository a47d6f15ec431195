/** Every model that may be asked, of all providers, as one provider; a provider that is down does not hide the others. */
import { API_PROVIDERS, type ApiProvider, keyVariable } from '@deed/config/api-providers'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import { type ApiKeys, apiModels } from './api-models.ts'
import type { ModelAnswer, ModelProvider, OfferedModel, Question } from './model-provider.ts'
import { ollamaServer } from './ollama.ts'

export interface OfferedModels {
  /** `troubles`: a sentence for each provider or model that cannot be asked. */
  list(signal: AbortSignal): Promise<{ models: OfferedModel[]; troubles: string[] }>
  ask(question: Question): Promise<ModelAnswer>
}

/** The settings of execution.yaml, and the keys of the environment. */
export function offeredModels(settings: ExecutionConfig['models'], keys: ApiKeys): OfferedModels {
  const local = ollamaServer(settings.ollama_host)
  const apis = new Map<ApiProvider, ModelProvider>()
  const unusable: string[] = []
  for (const provider of API_PROVIDERS) {
    const models = settings.fallback_to_api ? ofProvider(settings.api_models, provider) : []
    if (models.length === 0) continue
    const key = keys[provider]
    const url = settings.api_urls[provider]
    if (provider === 'openai-compatible' ? url === undefined : key === undefined) {
      const missing = provider === 'openai-compatible' ? `models.api_urls` : keyVariable(provider)
      unusable.push(`models of ${provider} are not asked, since ${missing} is not set`)
      continue
    }
    const priced = models.filter((model) => Object.hasOwn(settings.prices, `${provider}/${model}`))
    for (const model of models)
      if (!priced.includes(model))
        unusable.push(`${provider}/${model} is not asked, since models.prices has no price for it`)
    apis.set(provider, apiModels(provider, priced, { key, url }))
  }
  return {
    async list(signal) {
      const lists = await Promise.allSettled([local, ...apis.values()].map((provider) => provider.list(signal)))
      const troubles = [...unusable]
      const models = lists.flatMap((list) => {
        if (list.status === 'fulfilled') return list.value
        const { reason } = list
        if (!(reason instanceof DeedError)) throw reason
        // Nobody expects a local server that is not named where an API is.
        if (apis.size === 0 || settings.ollama_host !== undefined)
          troubles.push(`no model server can be reached: ${reason.message}`)
        return []
      })
      return { models, troubles }
    },
    ask: (question) => providerOf(question.model, apis, settings.api_models, local).ask(question),
  }
}

const ofProvider = (models: readonly string[], provider: ApiProvider): string[] =>
  models.filter((model) => model.startsWith(`${provider}/`)).map((model) => model.slice(provider.length + 1))

/** A local model may have a slash in its name, too. */
function providerOf(
  model: string,
  apis: ReadonlyMap<ApiProvider, ModelProvider>,
  apiNames: readonly string[],
  local: ModelProvider,
): ModelProvider {
  const [provider] = model.split('/')
  return (apiNames.includes(model) && apis.get(provider as ApiProvider)) || local
}
