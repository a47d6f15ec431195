import { expect, it } from 'vitest'
import { costByDay, perModel } from './costs.ts'

const day = (date: string, model: string, calls: number, usd: number) => ({
  day: date,
  model,
  by_status: { asked: 0, solved: calls, refused: 0, failed: 0 },
  calls,
  prompt_tokens: 0,
  answer_tokens: 0,
  cost_usd: usd,
  cost_unknown: 0,
  average_ms: null,
  p95_ms: null,
})

it('days without a call cost nothing, and models of one day are added', () => {
  const rows = [day('2026-01-03', 'a', 1, 1), day('2026-01-03', 'b', 1, 2), day('2025-12-01', 'a', 1, 9)]
  expect(costByDay(rows, 2, Date.UTC(2026, 0, 3, 23))).toEqual([
    { day: '2026-01-02', usd: 0 },
    { day: '2026-01-03', usd: 3 },
  ])
})

it('the model that cost most comes first', () => {
  const rows = [day('2026-01-03', 'a', 1, 1), day('2026-01-02', 'a', 2, 1), day('2026-01-03', 'b', 1, 5)]
  expect(perModel(rows)).toEqual([
    { model: 'b', calls: 1, usd: 5 },
    { model: 'a', calls: 3, usd: 2 },
  ])
})
