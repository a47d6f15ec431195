// When people are told, and that it is once.
import type { AlertRule } from '@deed/proto/alert-rules'
import { expect, it } from 'vitest'
import type { RuleRow } from '../store/rule-states.ts'
import { evaluateRules } from './evaluate-rules.ts'

const MINUTE = 60_000
const LAG: AlertRule = {
  name: 'lag',
  metric: 'deed_reconcile_lag_seconds',
  comparison: '>',
  threshold: 30,
  for_seconds: 60,
  resolve_seconds: 60,
  severity: 'warning',
  summary: 'It is late.',
  runbook: 'hurry',
}
const GROWTH: AlertRule = {
  ...LAG,
  metric: 'deed_unverified_done_total',
  over_seconds: 600,
  threshold: 5,
  for_seconds: 0,
  resolve_seconds: 0,
}

/** The notices of each minute, for values that are seen a minute apart. */
function run(
  rule: AlertRule,
  values: readonly (number | undefined)[],
  silenced: (minute: number) => boolean = () => false,
) {
  let states: RuleRow[] = []
  return values.map((value, minute) => {
    const evaluated = evaluateRules({
      rules: [rule],
      facts: value === undefined ? [] : [{ name: rule.metric, labels: {}, value }],
      // As the tables give them back.
      states: JSON.parse(JSON.stringify(states)) as RuleRow[],
      silenced: new Set(silenced(minute) ? [rule.name] : []),
      now: minute * MINUTE,
    })
    states = evaluated.states
    return evaluated.notices.map(({ state, since }) => `${state} since ${since / MINUTE}`).join()
  })
}

it('tells once that it fires, and once that it is resolved', () => {
  expect(run(LAG, [0, 40, 40, 40, 0, 0, 0])).toEqual(['', '', 'firing since 1', '', '', 'resolved since 1', ''])
})

it('tells of nothing that did not last, and keeps firing through a short pause', () => {
  expect(run(LAG, [40, 0, 40, 0]).join('')).toBe('')
  expect(run({ ...LAG, resolve_seconds: 180 }, [40, 40, 0, 40, 0, 0, 40, 40])).toEqual([
    ...['', 'firing since 0', '', '', '', '', '', ''],
  ])
})

it('that is silenced tells at the end of the silence what still fires, and of the resolution who was told', () => {
  expect(run(LAG, [40, 40, 40, 40], (minute) => minute < 3)).toEqual(['', '', '', 'firing since 0'])
  expect(run(LAG, [40, 40, 0, 0], () => true).join('')).toBe('')
  expect(run(LAG, [40, 40, 0, 0], (minute) => minute > 1)).toEqual(['', 'firing since 0', '', 'resolved since 0'])
})

it('compares by how much a counter grew, whatever it was before, and also after it has begun again', () => {
  const steady = Array.from({ length: 30 }, (_, minute) => 1_000 + minute / 4)
  expect(run(GROWTH, steady).join('')).toBe('')
  const grown = [1_000, 1_000, 1_006, ...Array.from({ length: 12 }, () => 1_006)]
  expect(run(GROWTH, grown).filter((told) => told !== '')).toEqual(['firing since 2', 'resolved since 2'])
  expect(run(GROWTH, [1_000, 3, 3, 3]).join('')).toBe('')
})

it('counts as resolved where its values are gone', () => {
  expect(run(LAG, [40, 40, undefined, undefined])).toEqual(['', 'firing since 0', '', 'resolved since 0'])
})

it('has an alert for each value of a label, about the sum of the others', () => {
  const rule: AlertRule = {
    ...LAG,
    metric: 'deed_worker_slots',
    by: 'capability',
    comparison: '<',
    threshold: 1,
    for_seconds: 0,
  }
  const slots = (capability: string, state: string, value: number) =>
    ({ name: 'deed_worker_slots', labels: { capability, state }, value }) as const
  const facts = [slots('act', 'free', 0), slots('act', 'busy', 2), slots('solve', 'free', 0), slots('solve', 'busy', 0)]
  const { notices } = evaluateRules({ rules: [rule], facts, states: [], silenced: new Set(), now: 0 })
  expect(notices).toMatchObject([{ labels: { capability: 'solve' }, value: 0 }])
})
