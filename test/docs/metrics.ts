/** The reference of the metrics and of the alert rules, made from their tables. */
import { BUILT_IN_RULES } from '@deed/proto/alert-rules'
import { SERVICES } from '@deed/proto/contract'
import { METRICS, type MetricFacts } from '@deed/proto/metrics'
import { code, table } from './table.ts'

const INTRODUCTION = `# Metrics

With \`METRICS_PORT\`, each service answers Prometheus at \`/metrics\` of a port of its own: the orchestrator at that port, the
other services that \`deed up\` starts at the next ones, in the order
${SERVICES.join(', ')}.
Services that share a process answer at the port of the first of them. 0 is any free port; \`deed up\` prints them. Who asks for
OpenMetrics also
gets examples: the ids of sampled traces.

What a process counts begins again with the process. Facts about the whole mesh come from one orchestrator, which holds a
lock of PostgreSQL and reads them every 15 seconds; all other processes say nothing of them, so sums are true. The totals
among them survive every restart. \`deed metrics\` prints those that say whether Deed tells the truth, \`deed top\` what
is going on:

![A terminal: deed top shows executions, workers, what waits for people and what failed](pictures/deed-top.svg)

\`deploy/observability\` has rules for Prometheus and dashboards for Grafana, made from the same tables.`

export function metricsPage(): string {
  return `${[
    INTRODUCTION,
    '## Of each process',
    table(
      ['metric', 'type', 'labels', 'of', 'what'],
      metricsOf('process').map(([name, { type, labels, by = [], help, only }]) => [
        ...[code(name), type, labelText(labels), by.length > 3 ? 'every service' : by.join(', ')],
        `${help}${only === undefined ? '' : ` Once ${only}.`}`,
      ]),
    ),
    '## Of the whole mesh',
    table(
      ['metric', 'type', 'labels', 'what'],
      metricsOf('database').map(([name, { type, labels, help, only }]) => [
        ...[code(name), type, labelText(labels)],
        `${help}${only === undefined ? '' : ` Only where ${only}.`}`,
      ]),
    ),
    '## Alert rules',
    'What to do about each: [runbook.md](runbook.md). `alerts.rules` of `execution.yaml` adds your own, about metrics of the whole mesh. A rule about what each process counts belongs into Prometheus, since no process knows the counts of the others.',
    table(
      ['alert', 'severity', 'fires when', 'for', 'what'],
      BUILT_IN_RULES.map((rule) => [
        ...[`[${rule.name}](runbook.md#${rule.name})`, rule.severity],
        `${code(rule.metric)}${rule.over_seconds === undefined ? '' : ` in ${rule.over_seconds / 60} min`} ${rule.comparison} ${rule.threshold}`,
        rule.for_seconds === 0 ? '' : `${rule.for_seconds / 60} min`,
        rule.summary,
      ]),
    ),
  ].join('\n\n')}\n`
}

const metricsOf = (family: MetricFacts['of']) =>
  Object.entries<MetricFacts>(METRICS).filter(([, { of }]) => of === family)

const labelText = (labels: MetricFacts['labels'] = {}): string => Object.keys(labels).map(code).join(', ')
