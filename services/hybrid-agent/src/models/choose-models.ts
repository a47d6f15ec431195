/**
 * Which models to ask, in order: those that are preferred, then local ones that cost nothing, then those that cost
 * something, then APIs. Within each of these groups the score decides: the expected success, less what slowness and price
 * cost. Pure: the same record gives the same order, and each choice can be explained by its figures.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { ModelCategory } from '@deed/proto/model'
import type { ModelRecord } from '../store/model-records.ts'
import { categoriesOf } from './categories.ts'
import type { OfferedModel } from './model-provider.ts'

/** At most this many models are tried for one task. */
const MODELS_MAX = 3
/** The expected success without a record, for a model of the category and for another. */
const FITTING_AT_FIRST = 0.7
const OTHER_AT_FIRST = 0.5
/** Calls that the expectation weighs as much as. */
const PRIOR_CALLS = 4
/** A solution that nobody verified, such as a denied plan, counts as half a success. */
const UNVERIFIED = 0.5
/** What the slowest answer and a dear call take off the score. */
const SLOW_COSTS = 0.2
const DEAR_COSTS = 0.2
const DEAR_USD = 0.1
/** Of a usual call, for comparing prices. */
const USUAL_PROMPT_TOKENS = 4_000
export const USUAL_ANSWER_TOKENS = 1_000

export interface RatedModel {
  readonly model: OfferedModel
  /** 0: preferred, 1: local and free, 2: local and paid, 3: API. */
  readonly group: 0 | 1 | 2 | 3
  readonly fits: boolean
  /** Mean and standard deviation of the posterior success, 0 to 1. */
  readonly success: number
  readonly deviation: number
  readonly median_ms: number | null
  /** Of a usual call. */
  readonly usd: number
  readonly score: number
}

type Settings = Pick<
  ExecutionConfig['models'],
  'preferred_local' | 'fallback_to_api' | 'prices' | 'categories' | 'default_timeout_seconds'
>

/** @returns at most three, best first */
export const chooseModels = (...given: Parameters<typeof rankModels>): RatedModel[] =>
  rankModels(...given).slice(0, MODELS_MAX)

/** @returns best first; none that only embeds, nor one that costs something where none may be paid */
export const rankModels = (
  models: readonly OfferedModel[],
  settings: Settings,
  category: ModelCategory,
  records: readonly ModelRecord[],
): RatedModel[] =>
  models
    .filter(({ name }) => settings.fallback_to_api || !Object.hasOwn(settings.prices, name))
    .filter((model) => categoriesOf(model, settings).some((one) => one !== 'embedding'))
    .map((model) => rate(model, settings, category, records))
    .toSorted(
      (a, b) =>
        a.group - b.group ||
        preference(a.model, settings) - preference(b.model, settings) ||
        b.score - a.score ||
        b.model.bytes - a.model.bytes ||
        a.model.name.localeCompare(b.model.name),
    )

function rate(
  model: OfferedModel,
  settings: Settings,
  category: ModelCategory,
  records: readonly ModelRecord[],
): RatedModel {
  const fits = categoriesOf(model, settings).includes(category)
  const own = records.filter((record) => record.model === model.name)
  // What it did for all tasks is the expectation for those of this category.
  const overall = posterior(own, fits ? FITTING_AT_FIRST : OTHER_AT_FIRST)
  const { mean, deviation } = posterior(
    own.filter((record) => record.category === category),
    overall.mean,
  )
  const times = own.flatMap(({ median_ms: ms }) => ms ?? [])
  const median = times.length === 0 ? null : Math.max(...times)
  const price = settings.prices[model.name]
  const usd = price
    ? (USUAL_PROMPT_TOKENS * price.prompt_usd_per_million + USUAL_ANSWER_TOKENS * price.answer_usd_per_million) / 1e6
    : 0
  // Optimistic by one deviation, so that a model with a short record is tried, too.
  const score =
    mean +
    deviation -
    SLOW_COSTS * Math.min(1, (median ?? 0) / (settings.default_timeout_seconds * 1_000)) -
    DEAR_COSTS * Math.min(1, usd / DEAR_USD)
  const group = groupOf(model, settings)
  return { model, group, fits, success: mean, deviation, median_ms: median, usd, score }
}

/** Of Beta(a, b), whose prior weighs as much as a few calls. */
function posterior(records: readonly ModelRecord[], expected: number): { mean: number; deviation: number } {
  let a = PRIOR_CALLS * expected
  let b = PRIOR_CALLS * (1 - expected)
  for (const { solved, verified, unsolved } of records) {
    const half = UNVERIFIED * (solved - verified)
    a += verified + half
    b += unsolved + half
  }
  const mean = a / (a + b)
  return { mean, deviation: Math.sqrt((mean * (1 - mean)) / (a + b + 1)) }
}

function groupOf(model: OfferedModel, settings: Settings): RatedModel['group'] {
  if (preference(model, settings) < settings.preferred_local.length) return 0
  if (model.provider !== 'ollama') return 3
  return Object.hasOwn(settings.prices, model.name) ? 2 : 1
}

/** `qwen3` means `qwen3:latest`, as in Ollama. */
function preference({ name }: OfferedModel, { preferred_local: preferred }: Settings): number {
  const place = preferred.findIndex((wanted) => wanted === name || `${wanted}:latest` === name)
  return place >= 0 ? place : preferred.length
}
