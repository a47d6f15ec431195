/** What was claimed beside what was seen. */
import type { Evidence } from '@deed/proto/observation'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'

const FACT_CHARS_MAX = 80

export function evidenceLines(evidence: Evidence, paint: Paint): string[] {
  const { kind, outcome, claimed, observed, observed_at: at, already_so: already, facts } = evidence
  const told = Object.entries(facts ?? {}).map(
    ([name, value]) =>
      `${name}=${plainLine(typeof value === 'string' ? value : JSON.stringify(value), FACT_CHARS_MAX)}`,
  )
  return [
    `claimed   ${plainLine(claimed)}`,
    `observed  ${plainLine(observed)}`,
    `evidence  ${paintStatus(paint, outcome)}, ${kind} at ${at}${already ? ', it was so already' : ''}`,
    ...(told.length === 0 ? [] : [paint('dim', `          ${told.join(' ')}`)]),
  ]
}
