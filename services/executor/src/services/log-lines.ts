/** Lines that a service has logged, and when. */

export interface LogLine {
  /** In milliseconds since 1970; absent: the line does not say, and nobody has noted it. */
  readonly at?: number
  /** What of the service has written it, where there are several: a pod. */
  readonly source?: string
  readonly text: string
}

/** The most lines that a provider reads for one answer: more than are shown, so that a secret of many lines is whole. */
export const LINES_READ_MAX = 2_000

/** A time as RFC 3339 has it, with or without a zone; without one it is of UTC. */
const WRITTEN = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/
/** In milliseconds or seconds since 1970, as loggers that write JSON have it. */
const COUNTED = /"(?:time|timestamp|ts|@timestamp)"\s*:\s*(\d{10}(?:\.\d+)?|\d{13})\b/
const HEAD_CHARS = 300

/** When a line says that it was written. */
export function timeIn(line: string): number | undefined {
  const head = line.slice(0, HEAD_CHARS)
  const [, count] = COUNTED.exec(head) ?? []
  if (count !== undefined) return count.length === 13 ? Number(count) : Number(count) * 1_000
  const written = WRITTEN.exec(head)?.[0].replace(' ', 'T').replace(',', '.')
  if (written === undefined) return undefined
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(written) ? written : `${written}Z`)
  return Number.isNaN(at) ? undefined : at
}

/** Lines with the times that they say themselves; one without a time is of the line before it. */
export function linesWithOwnTimes(text: string): LogLine[] {
  let at: number | undefined
  return linesOf(text).map((line) => {
    at = timeIn(line) ?? at
    return at === undefined ? { text: line } : { at, text: line }
  })
}

/** As docker and kubectl print lines with `--timestamps`, in the order of the times. */
export function linesWithTimestamps(text: string): LogLine[] {
  const lines = linesOf(text).map((line): LogLine => {
    const [, pod, stamp = '', rest = line] = /^(?:\[pod\/([^\]]+)\] )?(\S+Z|\S+[+-]\d\d:\d\d) ?(.*)$/s.exec(line) ?? []
    const at = Date.parse(stamp)
    return { ...(Number.isNaN(at) ? {} : { at }), ...(pod === undefined ? {} : { source: pod }), text: rest }
  })
  return lines.sort((one, other) => (one.at ?? 0) - (other.at ?? 0))
}

export const linesOf = (text: string): string[] => {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
