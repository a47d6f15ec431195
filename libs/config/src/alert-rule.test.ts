// A rule that could never fire stops the start, and the message names its line.
import { describe, expect, it } from 'vitest'
import { rulesOf } from './alert-rule.ts'
import { ConfigError } from './config-error.ts'
import { parseExecutionConfig } from './execution-config.ts'

const rule = (changes: Record<string, string>): string =>
  [
    'alerts:',
    '  rules:',
    '    - name: someone-waits',
    ...Object.entries({
      metric: 'deed_reviews_open',
      threshold: '0',
      summary: 'Somebody waits.',
      runbook: 'Look.',
      ...changes,
    }).map(([key, value]) => `      ${key}: ${value}`),
  ].join('\n')

const faultOf = (text: string): string => {
  try {
    parseExecutionConfig(text)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

describe('an alert rule of execution.yaml', () => {
  it('is evaluated besides those that are built in, with its times in seconds', () => {
    const { alerts } = parseExecutionConfig(
      rule({
        metric: 'deed_rollbacks_total',
        over: '1h',
        for: '5m',
        resolve: '90',
        labels: '{ outcome: rolled_back }',
      }),
    )
    expect(rulesOf(alerts.rules).at(-1)).toEqual({
      name: 'someone-waits',
      metric: 'deed_rollbacks_total',
      labels: { outcome: 'rolled_back' },
      comparison: '>',
      threshold: 0,
      over_seconds: 3_600,
      for_seconds: 300,
      resolve_seconds: 90,
      severity: 'warning',
      summary: 'Somebody waits.',
      runbook: 'Look.',
    })
    expect(rulesOf([]).map(({ name }) => name)).toContain('false-success')
  })

  it.each([
    ['an unknown metric', { metric: 'deed_review_open' }, 'no metric "deed_review_open"; did you mean', 4],
    ['a metric of each process', { metric: 'deed_actions_total' }, 'each process counts "deed_actions_total"', 4],
    ['a negative duration', { for: '-5' }, 'must be between 0 s', 8],
    ['a negative duration in words', { resolve: '-5m' }, 'must be a number of seconds', 8],
    ['a counter without a time', { metric: 'deed_false_success_total' }, 'say over which time', 4],
    ['a time for what is no counter', { over: '10m' }, 'is not a counter', 8],
    ['a label that the metric has not', { by: 'tenant' }, 'has the labels cause', 8],
    ['a comparison that is none', { comparison: '"=="' }, 'comparison', 8],
    ['a key that is none', { treshold: '5' }, 'threshold', 0],
  ])('with %s stops the start, and the line is named', (_, changes, words, line) => {
    const fault = faultOf(rule(changes as Record<string, string>))
    expect(fault).toContain(words)
    if (line > 0) expect(fault).toContain(`(line ${line})`)
  })

  it('with the name of another one stops the start, also of one that is built in', () => {
    const twice = `${rule({})}\n${rule({}).split('\n').slice(2).join('\n')}`
    expect(faultOf(twice)).toMatch(/alerts.rules.1.name: another rule has the name "someone-waits" \(line 8\)/)
    expect(faultOf(rule({}).replace('someone-waits', 'no-workers'))).toContain('another rule has the name "no-workers"')
  })
})
