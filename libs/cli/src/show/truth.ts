/** What the truth drill has counted, as text. */
import type { TruthReport } from '@deed/drill/truth/run-truth'
import type { Output } from '../terminal/output.ts'
import { type Column, table } from './table.ts'

export function truthText(report: TruthReport, held: boolean, { paint, width }: Output): string {
  const rows = Object.entries(report.by_kind).sort(([a], [b]) => a.localeCompare(b))
  const column = (
    heading: string,
    cell: (counts: (typeof rows)[number][1]) => number,
  ): Column<(typeof rows)[number]> => ({
    heading,
    cell: ([, counts]) => String(cell(counts)),
  })
  const columns: Column<(typeof rows)[number]>[] = [
    { heading: 'kind', cell: ([kind]) => kind },
    column('lies', ({ lies }) => lies),
    column('false successes', ({ false_successes }) => false_successes),
    column('false rollbacks', ({ false_rollbacks }) => false_rollbacks),
    column('ordinary', ({ ordinary }) => ordinary),
    column('false refusals', ({ false_refusals }) => false_refusals),
  ]
  const { lies, ordinary, false_successes, false_rollbacks, false_refusals, wrong, skipped, seed } = report
  return [
    ...(rows.length > 0 ? [table(columns, rows, paint, width)] : []),
    ...Object.entries(wrong).flatMap(([fault, lines]) => lines.map((line) => `${fault.replace('_', ' ')}: ${line}`)),
    ...Object.entries(skipped).map(([why, count]) => `skipped: ${count}, since ${why}`),
    `${lies} lies tried: ${false_successes} false successes, ${false_rollbacks} false rollbacks`,
    `${ordinary} ordinary things tried: ${false_refusals} false refusals`,
    `${held ? 'Deed has told the truth' : 'Deed has not always told the truth'}; seed ${seed}`,
  ].join('\n')
}
