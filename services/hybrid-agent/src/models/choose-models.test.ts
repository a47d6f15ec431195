// What may be paid for is asked last, and not at all where the operator wants no bill; then what was proven decides.
import type { ModelCategory } from '@deed/proto/model'
import { describe, expect, it } from 'vitest'
import type { ModelRecord } from '../store/model-records.ts'
import { chooseModels } from './choose-models.ts'
import type { OfferedModel } from './model-provider.ts'

const local = (name: string, gigabytes: number): OfferedModel => ({ name, provider: 'ollama', bytes: gigabytes * 1e9 })
const models = [local('large-paid', 9), local('plain', 1), local('bge-m3', 5)]
const price = { prompt_usd_per_million: 1, answer_usd_per_million: 1 }
const settings = {
  preferred_local: [] as string[],
  fallback_to_api: true,
  prices: { 'large-paid': price } as Record<string, typeof price>,
  categories: {} as Record<string, ModelCategory[]>,
  default_timeout_seconds: 120,
}
const names = (offered: readonly OfferedModel[], more = {}, category: ModelCategory = 'general', records = NONE) =>
  chooseModels(offered, { ...settings, ...more }, category, records).map(({ model }) => model.name)
const NONE: readonly ModelRecord[] = []
const record = (model: string, facts: Partial<ModelRecord>): ModelRecord => ({
  ...{ model, category: 'general', solved: 0, verified: 0, unsolved: 0, median_ms: null, microusd: 0 },
  ...facts,
})

describe('the order of models', () => {
  it('puts one that costs something after those that cost nothing, and embedding models nowhere', () => {
    expect(names(models)).toEqual(['plain', 'large-paid'])
    expect(names(models, { prices: {} })).toEqual(['large-paid', 'plain'])
  })

  it('puts a preferred one first, whatever it costs', () => {
    expect(names(models, { preferred_local: ['large-paid'] })).toEqual(['large-paid', 'plain'])
  })

  it('never has one that costs something where fallback_to_api is false, not even a preferred one', () => {
    expect(names(models, { fallback_to_api: false })).toEqual(['plain'])
    expect(names(models, { fallback_to_api: false, preferred_local: ['large-paid'] })).toEqual(['plain'])
  })

  it('puts APIs last, the cheaper one first while no record tells them apart', () => {
    const apis: OfferedModel[] = ['dear', 'cheap'].map((name) => ({
      ...{ name: `openai/${name}`, provider: 'openai', bytes: 0 },
    }))
    const prices = { 'openai/dear': { prompt_usd_per_million: 15, answer_usd_per_million: 75 }, 'openai/cheap': price }
    expect(names([...apis, local('plain', 1)], { prices })).toEqual(['plain', 'openai/cheap', 'openai/dear'])
  })

  it('prefers a model of the category of the task, by its name or by execution.yaml', () => {
    const two = [local('any', 9), local('qwen-coder', 5)]
    expect(names(two)).toEqual(['any', 'qwen-coder'])
    expect(names(two, {}, 'code')).toEqual(['qwen-coder', 'any'])
    expect(names(two, { categories: { any: ['code'], 'qwen-coder': ['general'] } }, 'code')).toEqual([
      'any',
      'qwen-coder',
    ])
  })

  it('prefers what was verified over what only was solved, and that over what failed', () => {
    const three = [local('fails', 9), local('solves', 8), local('proves', 7)]
    const records = [
      record('fails', { unsolved: 20 }),
      record('solves', { solved: 20 }),
      record('proves', { solved: 20, verified: 19 }),
    ]
    expect(names(three, {}, 'general', records)).toEqual(['proves', 'solves', 'fails'])
    // What it did for other tasks is what is expected of it.
    expect(names(three, {}, 'reasoning', records)).toEqual(['proves', 'solves', 'fails'])
  })

  it('tries a model without a record rather than one that mostly fails, and the faster of two equals', () => {
    const fails = [record('old', { solved: 2, verified: 2, unsolved: 8 })]
    expect(names([local('old', 9), local('new', 5)], {}, 'general', fails)).toEqual(['new', 'old'])
    const times = [
      record('slow', { solved: 9, verified: 9, median_ms: 90_000 }),
      record('quick', { solved: 9, verified: 9, median_ms: 900 }),
    ]
    expect(names([local('slow', 9), local('quick', 5)], {}, 'general', times)).toEqual(['quick', 'slow'])
  })
})
