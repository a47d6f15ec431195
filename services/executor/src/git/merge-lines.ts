/** Merges what two texts have changed of a common one, line by line. */
import { diffArrays } from 'diff'

/** Lines of the common text, from one to before another, and those that replace them. */
interface Edit {
  readonly from: number
  readonly to: number
  readonly lines: readonly string[]
}

/** Texts that differ in more lines are not merged. */
const EDITS_MAX = 10_000

/**
 * @param base the text that both come from
 * @returns `undefined` where both have changed the same lines, or lines next to each other
 */
export function mergeLines(base: string, ours: string, theirs: string): string | undefined {
  const common = linesOf(base)
  const [mine, other] = [editsOf(common, linesOf(ours)), editsOf(common, linesOf(theirs))]
  if (!mine || !other) return undefined
  const merged: string[] = []
  let at = 0
  const apply = ({ from, to, lines }: Edit) => {
    merged.push(...common.slice(at, from), ...lines)
    at = to
  }
  while (mine.length > 0 || other.length > 0) {
    const [a, b] = [mine[0], other[0]]
    if (a && b && a.from <= b.to && b.from <= a.to) {
      if (a.from !== b.from || a.to !== b.to || a.lines.join('') !== b.lines.join('')) return undefined
      other.shift()
    }
    apply((b === undefined || (a !== undefined && a.from <= b.from) ? mine : other).shift()!)
  }
  return [...merged, ...common.slice(at)].join('')
}

/** With their line breaks. */
const linesOf = (text: string): string[] => (text === '' ? [] : text.split(/(?<=\n)/))

function editsOf(base: readonly string[], changed: readonly string[]): Edit[] | undefined {
  const parts = diffArrays([...base], [...changed], { maxEditLength: EDITS_MAX })
  if (!parts) return undefined
  const edits: Edit[] = []
  let at = 0
  let follows = false
  for (const { added, removed, value } of parts) {
    if (!added && !removed) at += value.length
    else {
      const last = follows ? edits.pop() : undefined
      const to = removed ? at + value.length : at
      edits.push({ from: last?.from ?? at, to, lines: [...(last?.lines ?? []), ...(added ? value : [])] })
      at = to
    }
    follows = added || removed
  }
  return edits
}
