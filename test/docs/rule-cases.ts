/** What each alert rule is shown, and what it must make of it: for the mesh's own evaluator, and for promtool. */
import { type AlertRule, BUILT_IN_RULES } from '@deed/proto/alert-rules'
import { METRICS, type MetricFacts } from '@deed/proto/metrics'

export type Verdict = 'quiet' | 'pending' | 'firing'

export interface RuleCase {
  rule: AlertRule
  /** Of the one series. */
  labels: Record<string, string>
  /** Of the alert. */
  alertLabels: Record<string, string>
  /** Until the change all is well; from then on it is not. */
  before: number
  after: number
  /** When the change happens, in seconds from the start. */
  changesAt: number
  verdicts: readonly { at: number; verdict: Verdict }[]
}

/** How often the rules are evaluated, in seconds. */
export const STEP = 15
const CHANGES_AT = 300

export const RULE_CASES: readonly RuleCase[] = BUILT_IN_RULES.map((rule) => {
  const { labels: only = {}, by, threshold, comparison, for_seconds: lasts, metric } = rule
  const facts: MetricFacts = METRICS[metric]
  const labels = Object.fromEntries(
    Object.entries(facts.labels ?? {}).map(([label, values]) => [
      label,
      only[label] ?? ('first' in values ? 'one' : (values[0] ?? '')),
    ]),
  )
  const exceeds = comparison.startsWith('>')
  return {
    rule,
    labels,
    alertLabels: by === undefined ? {} : { [by]: labels[by] ?? '' },
    before: exceeds ? 0 : threshold,
    after: exceeds ? threshold * 2 + 1 : 0,
    changesAt: CHANGES_AT,
    verdicts: [
      { at: CHANGES_AT - STEP, verdict: 'quiet' },
      ...(lasts === 0 ? [] : [{ at: CHANGES_AT + lasts - STEP, verdict: 'pending' as const }]),
      { at: CHANGES_AT + lasts + STEP, verdict: 'firing' },
    ],
  }
})
