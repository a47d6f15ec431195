/** The difference between two texts as a unified diff: for people to read before they approve. */
import { defined } from '@deed/proto/json'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'

const DIFF_CHARS_MAX = 65_536
const BINARY = /\0/
/** Of texts that differ in more lines, the one is shown as removed and the other as added. */
const EDITS_MAX = 2_000

/** @returns `undefined` when there is no difference, or one of the two is not text */
export function unifiedDiff(path: string, old: string | undefined, fresh: string | undefined): string | undefined {
  if (old === fresh || BINARY.test(old ?? '') || BINARY.test(fresh ?? '')) return undefined
  const names = [
    old === undefined ? '/dev/null' : `a/${path}`,
    fresh === undefined ? '/dev/null' : `b/${path}`,
  ] as const
  const patch = (from: string, to: string, maxEditLength?: number) =>
    createTwoFilesPatch(...names, from, to, undefined, undefined, {
      context: 3,
      headerOptions: FILE_HEADERS_ONLY,
      ...defined({ maxEditLength }),
    } as { context: number })
  const [from, to] = [old ?? '', fresh ?? '']
  const diff = (patch(from, to, EDITS_MAX) as string | undefined) ?? `${patch(from, '')}${withoutHead(patch('', to))}`
  const text = diff.replace(/\n$/, '')
  return text.length > DIFF_CHARS_MAX ? `${text.slice(0, DIFF_CHARS_MAX - 40)}\n... and more than can be shown` : text
}

const withoutHead = (diff: string): string => diff.slice(diff.indexOf('@@'))
