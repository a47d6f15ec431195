/** What is known of a codebase, and places that were found in it, as text. */
import type { CodebaseAnalysis, CodePlaces } from '@deed/proto/code'
import type { Output } from '../terminal/output.ts'
import { table } from './table.ts'

export function codebaseText(found: CodebaseAnalysis, { paint, width }: Output): string {
  const { languages, parts, complexity, hot_spots: hot, broken, left_out: leftOut, cycles, history } = found
  const section = (heading: string, rows: readonly unknown[], text: () => string) =>
    rows.length === 0 ? [] : [`\n${paint('bold', heading)}\n${text()}`]
  return [
    found.summary,
    ...section('Languages', languages, () =>
      table(
        [
          { heading: 'LANGUAGE', cell: ({ language }) => language },
          { heading: 'FILES', cell: ({ files }) => String(files) },
          { heading: 'LINES', cell: ({ lines }) => String(lines) },
          { heading: 'SYMBOLS', cell: ({ symbols, parsed }) => (parsed ? String(symbols) : 'no grammar') },
        ],
        languages,
        paint,
        width,
      ),
    ),
    ...section('Parts', parts, () =>
      table(
        [
          { heading: 'PART', cell: ({ path }) => path },
          { heading: 'FILES', cell: ({ files }) => String(files) },
          { heading: 'LINES', cell: ({ lines }) => String(lines) },
          { heading: 'IMPORTED BY', cell: ({ imported_by: by }) => String(by) },
          { heading: 'IMPORTS', cell: ({ imports }) => imports.join(' ') || '-', fills: true },
        ],
        parts,
        paint,
        width,
      ),
    ),
    ...section('Import each other', cycles, () => cycles.map((cycle) => cycle.join(' ')).join('\n')),
    ...section('Most complex', complexity.highest, () =>
      complexity.highest.map((one) => `${one.complexity}  ${one.path}:${one.line}  ${one.symbol}`).join('\n'),
    ),
    ...section('Complex and changed often', hot, () =>
      hot.map((one) => `${one.commits} commits, complexity ${one.complexity}  ${one.path}`).join('\n'),
    ),
    ...('why' in history ? [`\nNo history: ${history.why}`] : []),
    ...section('Not parsed whole', broken.examples, () =>
      broken.examples.map(({ path, fault }) => `${path}: ${fault}`).join('\n'),
    ),
    ...section('Left out', leftOut, () =>
      leftOut.map(({ why, files, examples }) => `${files}  ${why}: ${examples.join(', ')}`).join('\n'),
    ),
  ].join('\n')
}

export const placesText = ({ places }: CodePlaces, { paint }: Output): string =>
  places
    .map(({ path, text_line: line, symbol, text }) =>
      [`${paint('bold', `${path}:${line}`)}${symbol === null ? '' : `  ${symbol}`}`, ...indented(text)].join('\n'),
    )
    .join('\n')

/** By what the places are ranked. */
export function meaningText({ meaning }: CodePlaces): string {
  if (!meaning) return 'ranked by words'
  if (meaning.model === null) return `ranked by words alone: ${meaning.why}`
  const { model, places, of } = meaning
  return `ranked by words and by meaning (${model}), which is known of ${places} of ${of} places`
}

const indented = (text: string): string[] => (text === '' ? [] : text.split('\n').map((line) => `  ${line}`))

/** What a reader must know of the index that the answer comes from; `undefined` where it has everything. */
export function unfinishedText({ stopped, files }: CodebaseAnalysis['index']): string | undefined {
  if (stopped === null) return undefined
  return stopped.why === 'time'
    ? `${files} files are known, and ${stopped.left} are still to be read; ask again to continue`
    : `${files} files are known; ${stopped.left} more are not read: name a smaller folder`
}
