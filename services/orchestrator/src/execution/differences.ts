/** The differences between two JSON values, as paths. */
import { canonicalJson } from '@deed/json/canonical-json'

/** More differences are omitted: one is enough. */
const PATHS_MAX = 10
const VALUE_CHARS_MAX = 200

/** Sorted by field; a list is compared as a whole. */
export const differences = (one: object, other: object): string[] => changesOf(one, other).map(({ path }) => path)

export interface Changed {
  path: string
  before: string
  after: string
}

/** The same, with the shortened values of each. */
export const changesOf = (one: object, other: object): Changed[] =>
  differing({ ...one }, { ...other }, '$')
    .slice(0, PATHS_MAX)
    .map(({ path, before, after }) => ({ path, before: shortened(before), after: shortened(after) }))

interface Difference {
  path: string
  before: unknown
  after: unknown
}

function differing(before: unknown, after: unknown, path: string): Difference[] {
  if (!isObject(before) || !isObject(after)) {
    const same = before !== undefined && after !== undefined && canonicalJson(before) === canonicalJson(after)
    return same || before === after ? [] : [{ path, before, after }]
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => differing(before[key], after[key], `${path}.${key}`))
}

function shortened(value: unknown): string {
  if (value === undefined) return '-'
  const text = typeof value === 'string' ? value : canonicalJson(value)
  return text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX).toWellFormed()} ...`
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
