import type { Handler } from '@deed/mesh/bus'
import type { listAlerts as contract } from '@deed/proto/alert'
import type { AlertRule } from '@deed/proto/alert-rules'
import { readRuleStates, readSilences } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'

export function listAlerts({ db, rules }: { db: Database; rules: readonly AlertRule[] }): Handler<typeof contract> {
  return async () => {
    const [states, silences] = await Promise.all([readRuleStates(db), readSilences(db)])
    const silenced = new Set(silences.map(({ name }) => name))
    const alerts = states.flatMap(({ rule: name, labels, value, since, fired_at }) => {
      const rule = rules.find((one) => one.name === name)
      if (!rule || since === null) return []
      const { severity, summary, runbook } = rule
      const state = fired_at === null ? ('pending' as const) : ('firing' as const)
      const begun = new Date(since).toISOString()
      return [{ name, state, labels, severity, value, since: begun, summary, runbook, silenced: silenced.has(name) }]
    })
    return { alerts, silences }
  }
}
