/** A unified diff as lines with a meaning; how many there are is known before any is drawn. */

export interface DiffLine {
  readonly kind: 'file' | 'hunk' | 'added' | 'removed' | 'same'
  readonly text: string
}

export interface Diff {
  readonly lines: readonly DiffLine[]
  readonly added: number
  readonly removed: number
}

export function readDiff(text: string): Diff {
  let inHunk = false
  const lines = text
    .replace(/\n$/, '')
    .split('\n')
    .map((line): DiffLine => {
      if (line.startsWith('@@')) inHunk = true
      else if (line.startsWith('diff ')) inHunk = false
      const kind = kindOf(line, inHunk)
      return { kind, text: line }
    })
  const counted = (kind: DiffLine['kind']): number => lines.filter((line) => line.kind === kind).length
  return { lines, added: counted('added'), removed: counted('removed') }
}

function kindOf(line: string, inHunk: boolean): DiffLine['kind'] {
  if (line.startsWith('@@')) return 'hunk'
  if (!inHunk) return 'file'
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same'
}

/** Whether a text is a unified diff. */
export const isDiff = (text: string): boolean => /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/m.test(text)
