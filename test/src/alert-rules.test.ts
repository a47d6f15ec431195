// Each alert rule is quiet, pending and firing when it should be: here, and in Prometheus.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { evaluateRules } from '@deed/orchestrator/alerts/evaluate-rules'
import { BUILT_IN_RULES, RUNBOOK } from '@deed/proto/alert-rules'
import { METRICS, metricFacts } from '@deed/proto/metrics'
import { describe, expect, it } from 'vitest'
import { QUERIES } from '../docs/dashboards.ts'
import { RULE_CASES, type RuleCase, STEP, type Verdict } from '../docs/rule-cases.ts'
import { anchorsOf, ROOT, read } from './markdown.ts'
import { PROMTOOL, promtool, SKIPPED } from './open-metrics.ts'

const OBSERVABILITY = join(ROOT, 'deploy/observability')

describe('an alert rule', () => {
  it.each(RULE_CASES)('is quiet, pending and firing in its time: $rule.name', (given) => {
    const verdicts = verdictsOf(given)
    for (const { at, verdict } of given.verdicts) expect(verdicts.get(at), `after ${at} s`).toBe(verdict)
  })

  it.each(BUILT_IN_RULES)('says what is wrong, and where it says what to do: $name', ({ summary, runbook, name }) => {
    expect(summary).toMatch(/^[A-Z].+\.$/)
    expect(runbook).toBe(`${RUNBOOK}#${name}`)
    expect(anchorsOf(RUNBOOK)).toContain(name)
  })

  it('is about a fact of the mesh, with its labels', () => {
    for (const { metric, labels = {}, by, over_seconds: over } of BUILT_IN_RULES) {
      const { of, type, labels: known = {} } = METRICS[metric] as NonNullable<ReturnType<typeof metricFacts>>
      expect(of).toBe('database')
      expect(Object.keys(known)).toEqual(expect.arrayContaining([...Object.keys(labels), ...(by ? [by] : [])]))
      expect(type === 'counter').toBe(over !== undefined)
    }
  })

  it.skipIf(PROMTOOL === undefined)(`is the same to Prometheus${SKIPPED}`, () => {
    expect(promtool(['check', 'rules', join(OBSERVABILITY, 'prometheus-rules.yaml')])).toBe('')
    expect(promtool(['test', 'rules', join(OBSERVABILITY, 'prometheus-rules.test.yaml')])).toBe('')
  })
})

describe('a query of a dashboard', () => {
  it('names metrics of the table, and labels that they have', () => {
    for (const query of QUERIES) {
      const names = query.match(/deed_[a-z_]+/g) ?? []
      expect(names.length).toBeGreaterThan(0)
      const facts = names.map((name) => metricFacts(name) ?? metricFacts(name.replace(/_(bucket|count|sum)$/, '')))
      expect(facts, query).not.toContain(undefined)
      const known = ['le', 'outcome', ...facts.flatMap((one) => Object.keys(one?.labels ?? {}))]
      for (const [, labels = ''] of query.matchAll(/by \(([^)]+)\)/g))
        expect(known, query).toEqual(expect.arrayContaining(labels.split(', ')))
    }
  })

  it.skipIf(PROMTOOL === undefined)(`is PromQL${SKIPPED}`, () => {
    for (const query of QUERIES) {
      const text = query.replaceAll('$__rate_interval', '5m')
      expect(promtool(['--experimental', 'promql', 'format', text]), text).toBe('')
    }
  })

  it('is of one of four dashboards that are there', () => {
    for (const name of ['truth', 'flow', 'models', 'mesh']) {
      expect(existsSync(join(OBSERVABILITY, 'grafana', `${name}.json`))).toBe(true)
      const { uid, editable } = JSON.parse(read(`deploy/observability/grafana/${name}.json`)) as Record<string, unknown>
      expect({ uid, editable }).toEqual({ uid: `deed-${name}`, editable: false })
    }
  })
})

/** What the evaluator makes of the series of the case, at each of its steps. */
function verdictsOf({ rule, labels, alertLabels, before, after, changesAt, verdicts }: RuleCase): Map<number, Verdict> {
  const found = new Map<number, Verdict>()
  let states: Parameters<typeof evaluateRules>[0]['states'] = []
  for (let at = 0; at <= Math.max(...verdicts.map((one) => one.at)); at += STEP) {
    const facts = [{ name: rule.metric, labels, value: at < changesAt ? before : after }]
    const evaluated = evaluateRules({ rules: [rule], facts, states, silenced: new Set(), now: at * 1_000 })
    states = evaluated.states
    const state = states.find((one) => one.since !== null)
    if (state) expect(state.labels).toEqual(alertLabels)
    found.set(at, !state ? 'quiet' : state.fired_at === null ? 'pending' : 'firing')
  }
  return found
}
