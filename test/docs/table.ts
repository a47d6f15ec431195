/** A table in Markdown. @param rows with as many cells as there are headings; a cell may not have a line break */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}

/** @returns in backticks, or nothing for nothing */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
