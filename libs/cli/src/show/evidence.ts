/** What was claimed, and what was observed. */
import type { Evidence } from '@deed/proto/observation'
import { type Paint, paintStatus } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'

const FACT_CHARS_MAX = 80
/** Of a line of facts; a longer fact has a line of its own. */
const LINE_CHARS_MAX = 70

export function evidenceLines(evidence: Evidence, paint: Paint): string[] {
  const { kind, outcome, claimed, observed, observed_at: at, already_so: already, facts } = evidence
  const shown = Object.entries(facts ?? {}).map(
    ([name, value]) =>
      `${name}=${plainLine(typeof value === 'string' ? value : JSON.stringify(value), FACT_CHARS_MAX)}`,
  )
  return [
    `claimed   ${plainLine(claimed)}`,
    `observed  ${plainLine(observed)}`,
    `evidence  ${paintStatus(paint, outcome)}, ${kind} at ${at}${already ? ', it was so already' : ''}`,
    ...inLines(shown).map((line) => paint('dim', `          ${line}`)),
  ]
}

function inLines(facts: readonly string[]): string[] {
  const lines: string[] = []
  for (const fact of facts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + fact.length <= LINE_CHARS_MAX)
      lines[lines.length - 1] = `${last} ${fact}`
    else lines.push(fact)
  }
  return lines
}
