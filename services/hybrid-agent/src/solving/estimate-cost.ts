/** What models would cost that are asked about tasks: usually, and at most. No model is asked. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { AgentTask } from '@deed/proto/agent'
import type { ModelEstimate } from '@deed/proto/model'
import { tokensOf } from '../context/pack-context.ts'
import { categoryOf } from '../models/categories.ts'
import { chooseModels, USUAL_ANSWER_TOKENS } from '../models/choose-models.ts'
import { kindsFor } from '../models/kinds-for.ts'
import type { OfferedModel } from '../models/model-provider.ts'
import { costMax, costOf, PROMPT_TOKENS_MAX, type Prices, promptTokensMax } from '../models/price-of.ts'
import { promptFor } from '../models/prompt.ts'
import { schemaFor } from '../models/read-answer.ts'
import type { World } from '../rules/vocabulary.ts'
import type { ModelRecord } from '../store/model-records.ts'
import { CALLS_MAX, KNOWN_TOKENS_MAX } from './solve-task.ts'

/** Of what a prompt gets besides the task and of what a repair adds: a character is no more bytes than this as JSON. */
const BYTES_PER_CHAR = 4
const KNOWN_CHARS_MAX = 3 * KNOWN_TOKENS_MAX
const REPAIR_CHARS_MAX = 12_000

export interface EstimateOf {
  readonly world: World
  readonly models: readonly OfferedModel[]
  readonly records: readonly ModelRecord[]
  readonly settings: ExecutionConfig['models']
  /** Of the request, in dollars. */
  readonly budget: number | undefined
  readonly troubles: readonly string[]
}

export function estimateCost(tasks: readonly AgentTask[], given: EstimateOf): ModelEstimate {
  const { world, models, records, settings, budget, troubles } = given
  const { prices } = settings
  const byModel = new Map<string, { model: OfferedModel; microusd: number }>()
  let [tokens, first, most] = [0, 0, 0]
  for (const task of tasks) {
    const kinds = kindsFor(task, world)
    const schema = schemaFor(kinds, world)
    const messages = promptFor(task, [], world, kinds)
    const prompt = tokensOf(JSON.stringify([messages, schema]))
    const promptMax = promptTokensMax(messages, schema) + BYTES_PER_CHAR * (KNOWN_CHARS_MAX + REPAIR_CHARS_MAX)
    const chain = chooseModels(models, settings, categoryOf(task), records).map(({ model }) => model)
    for (const [at, model] of chain.entries()) {
      const microusd = costOf(prices, model.name, prompt, USUAL_ANSWER_TOKENS)
      const known = byModel.get(model.name) ?? { model, microusd: 0 }
      byModel.set(model.name, { model, microusd: known.microusd + microusd })
      if (at > 0) continue
      tokens += prompt + USUAL_ANSWER_TOKENS
      first += microusd
    }
    most += CALLS_MAX * Math.max(0, ...chain.map((model) => callMax(prices, model, promptMax)))
  }
  const budgets = [budget, settings.budget_usd_per_day].filter((usd) => usd !== undefined)
  const smallest = budgets.length === 0 ? null : Math.min(...budgets)
  return {
    models: [...byModel.values()].map(({ model, microusd }) => ({
      model: model.name,
      where: model.provider === 'ollama' ? 'local' : 'api',
      cost_usd: usd(microusd),
    })),
    ...{ tokens, cost_usd: usd(first), cost_usd_max: Math.min(usd(most), smallest ?? Number.POSITIVE_INFINITY) },
    ...{ budget_usd: smallest, not_asked: [...troubles] },
  }
}

const callMax = (prices: Prices, { name, provider }: OfferedModel, promptMax: number): number =>
  costMax(prices, name, provider === 'ollama' ? PROMPT_TOKENS_MAX : promptMax)

const usd = (microusd: number): number => microusd / 1_000_000
