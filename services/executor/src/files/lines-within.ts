/** A result in lines that fits into a message. */
const CHARS_MAX = 30_000

/** @param total how many lines there are, of which these are the first */
export function linesWithin(lines: readonly string[], total: number): string {
  let chars = 0
  const end = lines.findIndex((line) => {
    chars += line.length + 1
    return chars > CHARS_MAX
  })
  const shown = end === -1 ? lines : lines.slice(0, end)
  return [...shown, ...(shown.length < total ? [`and ${total - shown.length} more, which are not shown`] : [])].join(
    '\n',
  )
}
