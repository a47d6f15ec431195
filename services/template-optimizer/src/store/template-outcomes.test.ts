// Outcomes on a real PostgreSQL: each counts once, however often and by whichever replica it is reported.

import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { describe, expect, it } from 'vitest'
import { openLearnedScores } from '../choosing/learned-scores.ts'
import { migrations } from './migrations.ts'
import { pruneOutcomes } from './prune-outcomes.ts'
import { recordUses, scoresSince, type TemplateUse } from './template-outcomes.ts'

const log = createLogger('test')
const open = () => testDatabase<unknown>('template_optimizer', migrations)

function use(facts: Partial<TemplateUse> = {}): TemplateUse {
  return {
    tenant: 'local',
    executionId: crypto.randomUUID(),
    templateId: 'a',
    templateVersion: 1,
    taskType: 'testing',
    success: true,
    timeMs: 100,
    quality: null,
    costUsd: 0,
    ...facts,
  }
}

describe('recording an outcome', () => {
  it('counts it once, within one batch and across batches', async () => {
    await using store = await open()
    const same = use()
    const first = await recordUses(store, log, [same, same, use({ success: false }), use({ templateId: 'b' })])
    expect(first.map(({ usageCount }) => usageCount)).toEqual([2, 2, 2, 1])
    const [again] = await recordUses(store, log, [{ ...same, success: false, timeMs: 9 }])
    expect(again).toMatchObject({ usageCount: 2, successRate: 0.7, averageMs: 100 })
  })

  it('is deleted when it is old, and its score is kept', async () => {
    await using store = await open()
    const [old, young] = [use(), use()]
    await recordUses(store, log, [old, young])
    await store.query('age', `update template_outcomes set recorded_at = '2020-01-01' where execution_id = $1`, [
      old.executionId,
    ])
    expect(await pruneOutcomes(store, Date.parse('2021-01-01'))).toBe(1)
    expect(await pruneOutcomes(store, Date.parse('2021-01-01'))).toBe(0)
    const [again] = await recordUses(store, log, [young])
    expect(again).toMatchObject({ usageCount: 2 })
  })

  it('keeps tenants and versions apart', async () => {
    await using store = await open()
    const executionId = crypto.randomUUID()
    const rows = await recordUses(store, log, [
      use({ executionId }),
      use({ executionId, tenant: 'acme' }),
      use({ executionId, templateVersion: 2 }),
    ])
    expect(rows.map(({ usageCount }) => usageCount)).toEqual([1, 1, 1])
  })

  it('loses nothing when replicas record outcomes of the same templates concurrently', async () => {
    await using store = await open()
    const batches = Array.from({ length: 20 }, (_, batch) =>
      // In both orders, so that locks taken in the given order would deadlock.
      ['a', 'b', 'c', 'd'].map((templateId) => use({ templateId })).sort(() => (batch % 2 === 0 ? 1 : -1)),
    )
    await Promise.all(batches.map((batch) => recordUses(store, log, batch)))
    const { rows } = await scoresSince(store, 0)
    expect(rows.map(({ templateId, usageCount }) => [templateId, usageCount]).sort()).toEqual([
      ['a', 20],
      ['b', 20],
      ['c', 20],
      ['d', 20],
    ])
  })
})

describe('scores in memory', () => {
  it('learn from other replicas when they are used, and send no queries otherwise', async () => {
    await using store = await open()
    let now = 0
    let asked = 0
    const counted = {
      query: <Row extends object>(name: string, text: string, values: readonly unknown[]) => {
        asked++
        return store.query<Row>(name, text, values)
      },
    }
    const scores = await openLearnedScores(counted, log, () => now)
    await recordUses(store, log, [use()])
    expect(scores.of('local', 'a', 1)).toBeUndefined()
    for (let count = 0; count < 100; count++) scores.refresh()
    expect(asked).toBe(1)
    now = 6_000
    scores.refresh()
    scores.refresh()
    await expect.poll(() => scores.of('local', 'a', 1)?.usageCount).toBe(1)
    expect(asked).toBe(2)
  })

  it('never return to an older state', async () => {
    await using store = await open()
    const scores = await openLearnedScores(store, log)
    const [one] = await recordUses(store, log, [use()])
    const [two] = await recordUses(store, log, [use()])
    if (!one || !two) throw new Error('no scores came back')
    scores.keep([two, one])
    expect(scores.of('local', 'a', 1)?.usageCount).toBe(2)
  })
})
