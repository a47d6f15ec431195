/**
 * Globs over paths, matched in a time that no pattern can make long: `*` and `?` within a name, `**` for any folders, `[a-z]`
 * and `{a,b}`.
 */
import { DeedError } from '@deed/proto/errors'

const ALTERNATIVES_MAX = 100

export interface Glob {
  /** The folders before the first name with a sign of the pattern. */
  readonly base: readonly string[]
  /** Whether it may match something in a folder in the base. */
  readonly deep: boolean
  /** @param segments of a path below the base */
  matches(segments: readonly string[]): boolean
}

export const isGlob = (path: string): boolean => /[*?[{]/.test(path)

/** @throws {DeedError} `invalid_request` for too many alternatives */
export function globOf(segments: readonly string[]): Glob {
  const first = segments.findIndex(isGlob)
  const base = segments.slice(0, first)
  const patterns = alternativesOf(segments.slice(first).join('/')).map((one) => one.split('/').map(namePattern))
  return {
    base,
    deep: patterns.some((pattern) => pattern.length > 1 || pattern[0] === 'any'),
    matches: (path) => patterns.some((pattern) => matchList(pattern, path, matchName)),
  }
}

/** One character of a name, or any number of them. */
type Sign = 'any' | ((character: string) => boolean)
type NamePattern = Sign[] | 'any'

/** `{a,b}` as two patterns; what is in braces may have braces of its own. */
function alternativesOf(pattern: string): string[] {
  const done: string[] = []
  const open = [pattern]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const [found, inside = ''] = /\{([^{}]*)\}/.exec(one) ?? []
    if (found === undefined) done.push(one)
    else for (const part of inside.split(',')) open.push(one.replace(found, () => part))
    if (done.length + open.length > ALTERNATIVES_MAX)
      throw new DeedError('invalid_request', `the pattern has more than ${ALTERNATIVES_MAX} alternatives`, {
        path: '$.input.path',
      })
  }
  return done
}

function namePattern(pattern: string): NamePattern {
  if (pattern === '**') return 'any'
  const signs = pattern.match(/\[[!^]?[^\]]+\]|./gsu) ?? []
  return signs.map((sign): Sign => {
    if (sign === '*') return 'any'
    if (sign === '?') return () => true
    return sign.length > 2 && sign.startsWith('[') ? classOf(sign.slice(1, -1)) : (character) => character === sign
  })
}

function classOf(inside: string): (character: string) => boolean {
  const inverted = /^[!^]/.test(inside)
  const ranges = [...inside.slice(inverted ? 1 : 0).matchAll(/(.)-(.)|(.)/gsu)].map(
    ([, from, to, one = '']) => [from ?? one, to ?? one] as const,
  )
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== inverted
}

/** A name that begins with a dot is only matched by a pattern that does. */
function matchName(signs: readonly Sign[], name: string): boolean {
  const [first] = signs
  if (name.startsWith('.') && (first === 'any' || first?.('x'))) return false
  return matchList(signs, [...name], (sign, character) => sign(character))
}

/**
 * Whether a list of patterns, in which `any` stands for any number of things, is all of a list of things. Only the last
 * `any` is ever tried again, which is enough, and takes at most one step for each pattern and thing.
 */
function matchList<Pattern extends object>(
  patterns: readonly (Pattern | 'any')[],
  things: readonly string[],
  matches: (pattern: Pattern, thing: string) => boolean,
): boolean {
  let [at, pattern, resumeAt, resumePattern] = [0, 0, 0, -1]
  while (at < things.length) {
    const next = patterns[pattern]
    if (next === 'any') {
      resumePattern = pattern++
      resumeAt = at
    } else if (next !== undefined && matches(next, things[at]!)) {
      at++
      pattern++
    } else if (resumePattern >= 0) {
      pattern = resumePattern + 1
      at = ++resumeAt
    } else return false
  }
  return patterns.slice(pattern).every((left) => left === 'any')
}
