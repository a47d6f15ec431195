// What may be paid for is asked last, and not at all where the operator wants no bill.
import { AgentTask } from '@deed/proto/agent'
import { expect, it } from 'vitest'
import { chooseModels } from './choose-models.ts'

const task = AgentTask.parse({ description: 'count the orders' })
const models = [
  { name: 'large-paid', bytes: 9 },
  { name: 'small', bytes: 1 },
  { name: 'bge-m3', bytes: 5 },
]
const price = { prompt_usd_per_million: 1, answer_usd_per_million: 1 }
const settings = { preferred_local: [], fallback_to_api: true, prices: { 'large-paid': price } }

it('a model that costs something is asked after those that cost nothing', () => {
  expect(chooseModels(models, settings, task)).toEqual(['small', 'large-paid'])
  expect(chooseModels(models, { ...settings, prices: {} }, task)).toEqual(['large-paid', 'small'])
})

it('a model that is preferred is asked first, whatever it costs', () => {
  expect(chooseModels(models, { ...settings, preferred_local: ['large-paid'] }, task)).toEqual(['large-paid', 'small'])
})

it('a model that costs something is never asked where fallback_to_api is false, not even a preferred one', () => {
  const free = { ...settings, fallback_to_api: false }
  expect(chooseModels(models, free, task)).toEqual(['small'])
  expect(chooseModels(models, { ...free, preferred_local: ['large-paid'] }, task)).toEqual(['small'])
})
