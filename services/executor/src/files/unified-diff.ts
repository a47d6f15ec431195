/** The difference between two texts as one hunk of a unified diff: for people to read before they approve. */

const CONTEXT_LINES = 3
const DIFF_CHARS_MAX = 65_536
const BINARY = /\0/

/** @returns `undefined` when there is no difference, or one of the two is not text */
export function unifiedDiff(path: string, old: string | undefined, fresh: string): string | undefined {
  if (old === fresh || BINARY.test(old ?? '') || BINARY.test(fresh)) return undefined
  const a = linesOf(old ?? '')
  const b = linesOf(fresh)
  let same = 0
  while (same < a.length && same < b.length && a[same] === b[same]) same++
  let tail = 0
  while (tail < a.length - same && tail < b.length - same && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const from = Math.max(0, same - CONTEXT_LINES)
  const lines = [
    ...a.slice(from, same).map((line) => ` ${line}`),
    ...a.slice(same, a.length - tail).map((line) => `-${line}`),
    ...b.slice(same, b.length - tail).map((line) => `+${line}`),
    ...a.slice(a.length - tail, a.length - tail + CONTEXT_LINES).map((line) => ` ${line}`),
  ]
  const until = Math.min(CONTEXT_LINES, tail)
  const range = (length: number) => {
    const count = length - tail + until - from
    return `${count === 0 ? from : from + 1},${count}`
  }
  const head = [`--- ${old === undefined ? '/dev/null' : `a/${path}`}`, `+++ b/${path}`]
  const diff = [...head, `@@ -${range(a.length)} +${range(b.length)} @@`, ...lines].join('\n')
  return diff.length > DIFF_CHARS_MAX ? `${diff.slice(0, DIFF_CHARS_MAX - 40)}\n... and more than can be shown` : diff
}

function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  // A last line without a line break is told from one with it, as diff(1) does.
  if (lines.at(-1) === '') lines.pop()
  else lines.push('\\ No newline at end of file')
  return lines
}
