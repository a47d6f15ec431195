/**
 * What shows the output. On a terminal, lines are as wide as it is and ids are short; elsewhere, in a pipe or a file,
 * nothing is cut. COLUMNS says how wide something is that is no terminal, and is shown on one.
 */
const WIDTH_MIN = 40
/** Of 12 at the end of a UUIDv7, which are chosen at random. */
const SHORT_ID_CHARS = 8

/** Characters a line; infinite where no terminal shows it. */
export function widthOf(stream: { isTTY?: boolean; columns?: number }, env: NodeJS.ProcessEnv): number {
  const columns = stream.isTTY ? stream.columns : Number(env.COLUMNS)
  return columns ? Math.max(WIDTH_MIN, columns) : Number.POSITIVE_INFINITY
}

/** The end of an id, which every command takes in its place; the whole id where nothing is cut. */
export const shownId = (id: string, width: number = widthOf(process.stdout, process.env)): string =>
  Number.isFinite(width) ? id.slice(-SHORT_ID_CHARS) : id
