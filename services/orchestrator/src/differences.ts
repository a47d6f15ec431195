/** Where two JSON values differ, as paths. */
import { canonicalJson } from '@deed/mesh/canonical-json'

/** More are not told: one says enough. */
const PATHS_MAX = 10

/** Sorted by field; a list is compared as a whole. */
export function differences(one: object, other: object): string[] {
  return differing({ ...one }, { ...other }, '$').slice(0, PATHS_MAX)
}

function differing(one: unknown, other: unknown, path: string): string[] {
  if (!isObject(one) || !isObject(other)) {
    const same = one !== undefined && other !== undefined && canonicalJson(one) === canonicalJson(other)
    return same || one === other ? [] : [path]
  }
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
  return keys.flatMap((key) => differing(one[key], other[key], `${path}.${key}`))
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
