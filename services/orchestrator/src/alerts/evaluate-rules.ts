/** Alert rules against the facts: what fires, what is resolved. A pure function of rules, facts, states and time. */
import type { AlertRule } from '@deed/proto/alert-rules'
import type { Fact } from '@deed/telemetry/metric-registry'
import type { RuleRow } from '../store/rule-states.ts'

/** Values that are kept of the time that a rule looks back. */
const HISTORY_MAX = 60

export interface Notice {
  rule: AlertRule
  labels: Record<string, string>
  state: 'firing' | 'resolved'
  value: number
  /** Milliseconds since 1970. */
  since: number
}

export interface Evaluated {
  states: RuleRow[]
  notices: Notice[]
}

interface Given {
  rules: readonly AlertRule[]
  facts: readonly Fact[]
  states: readonly RuleRow[]
  silenced: ReadonlySet<string>
  /** Milliseconds since 1970. */
  now: number
}

/**
 * A rule fires once its condition has lasted as long as it says, and is resolved once it has not been so for as long as
 * it says. While its alert is silenced no alert says that it fires; where one did, another says that it is resolved.
 *
 * @returns the states to store; a rule about the present has none while all is well
 */
export function evaluateRules({ rules, facts, states, silenced, now }: Given): Evaluated {
  const before = new Map(states.map((state) => [keyOf(state.rule, state.labels), state]))
  const result: Evaluated = { states: [], notices: [] }
  for (const rule of rules) {
    const values = valuesOf(rule, facts, states)
    for (const { labels, value } of values) {
      const earlier = before.get(keyOf(rule.name, labels))
      const history = historyOf(rule, earlier, value, now)
      const compared = rule.over_seconds === undefined ? value : value - Math.min(value, history[0]?.[1] ?? value)
      const state = next(rule, { ...(earlier ?? fresh(rule, labels)), history, value: compared }, now)
      const { fired_at: fired, reported, since } = state
      const notice = { rule, labels, value: compared, since: since ?? now }
      if (fired !== null && !reported && !silenced.has(rule.name)) {
        state.reported = true
        result.notices.push({ ...notice, state: 'firing' })
      }
      if (fired === null && reported) {
        state.reported = false
        result.notices.push({ ...notice, since: earlier?.since ?? now, state: 'resolved' })
      }
      if (state.since !== null || history.length > 0) result.states.push(state)
    }
  }
  return result
}

/** @returns whether the condition of a rule holds */
export function compares({ comparison, threshold }: AlertRule, value: number): boolean {
  switch (comparison) {
    case '>':
      return value > threshold
    case '>=':
      return value >= threshold
    case '<':
      return value < threshold
    case '<=':
      return value <= threshold
  }
}

const keyOf = (rule: string, labels: Record<string, string>): string =>
  JSON.stringify([rule, ...Object.entries(labels).flat()])

const fresh = ({ name }: AlertRule, labels: Record<string, string>): RuleRow => ({
  rule: name,
  labels,
  history: [],
  since: null,
  fired_at: null,
  reported: false,
  quiet_since: null,
  value: 0,
})

/** A label that is gone counts as resolved: its value is one that does not compare. */
function valuesOf(rule: AlertRule, facts: readonly Fact[], states: readonly RuleRow[]) {
  const { name, metric, labels: only = {}, by } = rule
  const values = new Map<string, { labels: Record<string, string>; value: number }>()
  for (const fact of facts) {
    if (fact.name !== metric || !Object.entries(only).every(([label, value]) => fact.labels[label] === value)) continue
    const labels: Record<string, string> = by === undefined ? {} : { [by]: fact.labels[by] ?? '' }
    const key = keyOf(name, labels)
    values.set(key, { labels, value: (values.get(key)?.value ?? 0) + fact.value })
  }
  for (const { rule: of, labels } of states) {
    const key = keyOf(name, labels)
    if (of === name && !values.has(key)) values.set(key, { labels, value: quietValue(rule) })
  }
  return values.values()
}

const quietValue = (rule: AlertRule): number =>
  [0, rule.threshold, rule.threshold + 1, rule.threshold - 1].find((value) => !compares(rule, value)) ?? 0

/** With this value; without those from before the time that the rule looks back, but for the newest of them. */
function historyOf(
  { over_seconds: over }: AlertRule,
  earlier: RuleRow | undefined,
  value: number,
  now: number,
): RuleRow['history'] {
  if (over === undefined) return []
  const from = now - over * 1_000
  const known = earlier?.history ?? []
  const [last] = known.slice(-1)
  // A counter that went back has begun again.
  if (last && value < last[1]) return [[now, value]]
  const due = last === undefined || now - last[0] >= (over * 1_000) / HISTORY_MAX
  const all: RuleRow['history'] = due ? [...known, [now, value]] : known
  const newestBefore = all.findLastIndex(([at]) => at <= from)
  return newestBefore > 0 ? all.slice(newestBefore) : all
}

function next(rule: AlertRule, state: RuleRow, now: number): RuleRow {
  if (compares(rule, state.value)) {
    const since = state.since ?? now
    const fires = state.fired_at !== null || now - since >= rule.for_seconds * 1_000
    return { ...state, since, quiet_since: null, fired_at: fires ? (state.fired_at ?? now) : null }
  }
  const quiet = state.quiet_since ?? now
  if (state.fired_at !== null && now - quiet < rule.resolve_seconds * 1_000) return { ...state, quiet_since: quiet }
  return { ...state, since: null, fired_at: null, quiet_since: null }
}
