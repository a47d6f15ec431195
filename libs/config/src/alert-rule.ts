/** The alerts of execution.yaml: webhooks, and rules with the mistakes that are detectable before they are evaluated. */
import { AlertName, AlertSeverity } from '@deed/proto/alert'
import { type AlertRule, BUILT_IN_RULES, COMPARISONS } from '@deed/proto/alert-rules'
import { type FactName, METRICS, metricFacts } from '@deed/proto/metrics'
import { WorkflowRequest } from '@deed/proto/workflow'
import { z } from 'zod'
import { duration } from './duration.ts'
import { didYouMean, nearest } from './nearest.ts'
import type { Fault } from './runbook-faults.ts'
import { EnvironmentVariable } from './targets.ts'

const DAY_MS = 86_400_000
const FACTS = (Object.keys(METRICS) as (keyof typeof METRICS)[]).filter((name) => METRICS[name].of === 'database')

export const Webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).optional(),
  url_env: EnvironmentVariable.optional().describe(
    'The environment variable that holds the URL, where the URL is a secret.',
  ),
  names: z.array(z.string()).min(1).optional().describe('Names of the alerts to send; default: all.'),
  secret_env: EnvironmentVariable.optional().describe('The environment variable that holds the key of the signatures.'),
})

export const OwnRule = z
  .strictObject({
    name: AlertName,
    metric: z.string().describe('Name of a fact about the mesh, from docs/metrics.md.'),
    labels: z.record(z.string(), z.string()).optional().describe('Only the values with these labels. Default: all.'),
    by: z.string().optional().describe('One alert for each value of this label. Default: one, about the sum.'),
    over: duration({ min: 60_000, max: DAY_MS, fallback: 0 }).describe(
      'Compare by how much a counter grew in this time, such as `10m`. Default: the value itself.',
    ),
    comparison: z.enum(COMPARISONS).default('>'),
    threshold: z.number(),
    for: duration({ min: 0, max: DAY_MS, fallback: 0 }).describe(
      'Fire when it has been so for so long. Default: `0s`.',
    ),
    resolve: duration({ min: 0, max: DAY_MS, fallback: 0 }).describe(
      'Resolve when it has not been so for so long. Default: `0s`.',
    ),
    severity: AlertSeverity.default('warning'),
    summary: z.string().min(1).max(512).describe('A sentence: what is wrong.'),
    runbook: z.string().min(1).max(512).describe('A line, or an address, that says what to do.'),
    workflow: WorkflowRequest.optional().describe(
      'A workflow that an alert of this rule starts, as the user `alerts`. Texts of `set` may have the labels of the alert, as in `{{service}}`.',
    ),
  })
  .describe('Alert rules of your own, besides those that docs/runbook.md lists.')
type OwnRule = z.output<typeof OwnRule>

/** Names that no table has, labels that no metric has, names that two rules have. */
export function ruleFaults(rules: readonly OwnRule[]): Fault[] {
  const names = new Set(BUILT_IN_RULES.map(({ name }) => name))
  return rules.flatMap((rule, index) => {
    const at = (key: string, message: string): Fault => ({ path: ['alerts', 'rules', index, key], message })
    const taken = names.has(rule.name) ? [at('name', `another rule has the name ${JSON.stringify(rule.name)}`)] : []
    names.add(rule.name)
    return [...taken, ...metricFaults(rule).map(([key, message]) => at(key, message))]
  })
}

function metricFaults({ metric, labels = {}, by, over }: OwnRule): [key: string, message: string][] {
  const facts = metricFacts(metric)
  const named = JSON.stringify(metric)
  if (!facts) return [['metric', `no metric ${named}${didYouMean(nearest(metric, FACTS))}`]]
  if (facts.of === 'process')
    return [
      ['metric', `each process counts ${named} for itself; use a rule of Prometheus, or one of ${FACTS.join(', ')}`],
    ]
  const known = Object.keys(facts.labels ?? {})
  const has = known.length === 0 ? 'no labels' : `the labels ${known.join(', ')}`
  return [
    ...(by === undefined || known.includes(by) ? [] : [['by', `${named} has ${has}`] as [string, string]]),
    ...Object.keys(labels).flatMap((label): [string, string][] =>
      known.includes(label) ? [] : [['labels', `${named} has ${has}`]],
    ),
    ...(over > 0 && facts.type !== 'counter'
      ? [['over', `${named} is not a counter: compare its value, without over`] as [string, string]]
      : []),
    ...(over === 0 && facts.type === 'counter'
      ? [
          ['metric', `${named} is a counter, which only grows: say over which time, as in over: 10m`] as [
            string,
            string,
          ],
        ]
      : []),
  ]
}

/** All rules that are evaluated: those that are built in, then those of the file. */
export const rulesOf = (own: readonly OwnRule[]): AlertRule[] => [
  ...BUILT_IN_RULES,
  ...own.map(({ over, for: forMs, resolve, metric, labels, by, workflow: _workflow, ...rule }) => ({
    ...rule,
    metric: metric as FactName,
    ...(labels === undefined ? {} : { labels }),
    ...(by === undefined ? {} : { by }),
    ...(over === 0 ? {} : { over_seconds: over / 1_000 }),
    for_seconds: forMs / 1_000,
    resolve_seconds: resolve / 1_000,
  })),
]
