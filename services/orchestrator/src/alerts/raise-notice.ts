/** Tells people that an alert rule fires, or is resolved. */
import type { Bus } from '@deed/mesh/bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { LOCAL } from '@deed/proto/ids'
import type { Notice } from './evaluate-rules.ts'

/** A figure in a sentence. */
const DIGITS = 3

export function raiseNotice(bus: Pick<Bus, 'announce'>, { rule, labels, state, value, since }: Notice): void {
  const { name, severity, summary, runbook, metric, threshold, comparison } = rule
  const where = Object.entries(labels).map(([label, of]) => `${label} ${of}`)
  const said = [summary, ...(where.length === 0 ? [] : [`(${where.join(', ')})`])].join(' ')
  const figure = Number(value.toFixed(DIGITS))
  const begun = new Date(since).toISOString()
  raiseAlert(bus, {
    name,
    severity: state === 'firing' ? severity : 'info',
    // About the whole mesh, for its operator.
    tenant: LOCAL.tenant,
    message:
      state === 'firing'
        ? `${said} ${metric} is ${figure}. What to do: ${runbook}`
        : `resolved: ${said} ${metric} is ${figure}.`,
    cause: JSON.stringify([labels, begun, state]),
    data: { rule: name, state, labels, metric, value: figure, comparison, threshold, since: begun, runbook },
  })
}
