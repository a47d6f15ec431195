/** Measures what a committed step has ended: executions, and waits for people. */
import { count, isMeasured, observe } from '@deed/telemetry/metrics'
import { type Draft, hasEnded } from '../execution/draft.ts'

export function measureStep(draft: Draft): void {
  if (!isMeasured()) return
  const { execution, approvals, audit } = draft
  for (const { type, at, data } of audit) {
    if (type !== 'approval.decided') continue
    const approval = [...approvals.values()].find(({ approval_id: id }) => id === data.approval_id)
    // A grant had approved it before anybody was asked.
    if (!approval?.asked_at || approval.grant_id !== null) continue
    observe('deed_approval_wait_seconds', { level: String(approval.level) }, seconds(approval.asked_at, at))
  }
  if (!hasEnded(draft)) return
  const { method, status, created_at, finished_at, trace } = execution
  count('deed_executions_total', { method: method ?? 'none', outcome: status })
  observe('deed_execution_duration_seconds', {}, seconds(created_at, finished_at ?? created_at), trace)
}

/** Between two times, which two clocks may have told. */
const seconds = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000
