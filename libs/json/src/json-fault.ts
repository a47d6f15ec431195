/**
 * Finds what a parsed JSON value no longer shows: a duplicate key, of which `JSON.parse` keeps the last, and an integer
 * that a double cannot represent, which it rounds. Two readers of such a text may decide differently.
 *
 * The scan is slow. `decodeJson` starts it for suspicious texts only.
 */
import { shownKey } from './shown-key.ts'

export interface JsonFault {
  /** Its path, such as `$.tasks[2].id`. */
  path: string
  message: string
}

/** Strings, numbers, and structure; white space and literals are skipped. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],:]/g
const INTEGER = /^-?\d+$/

/** The enclosing value: an object with its keys so far, or a list. */
type Level = { path: string; keys: Set<string>; key: string | undefined } | { path: string; index: number }

/**
 * The first fault in text order.
 *
 * @param text must be JSON
 * @param exactIntegers whether an integer beyond 2^53 is a fault
 */
export function jsonFaultIn(text: string, { exactIntegers }: { exactIntegers: boolean }): JsonFault | undefined {
  const levels: Level[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1)
    if (token === '{') levels.push({ path: pathOf(level), keys: new Set(), key: undefined })
    else if (token === '[') levels.push({ path: pathOf(level), index: 0 })
    else if (token === '}' || token === ']') levels.pop()
    else if (token === ',') {
      if (level && 'index' in level) level.index++
      else if (level) level.key = undefined
    } else if (token.startsWith('"')) {
      if (!level || 'index' in level || level.key !== undefined) continue
      level.key = JSON.parse(token) as string
      if (level.keys.has(level.key)) {
        return { path: pathOf(level), message: `the key "${shownKey(level.key)}" occurs twice; keep one of them` }
      }
      level.keys.add(level.key)
    } else if (exactIntegers && INTEGER.test(token) && !Number.isSafeInteger(Number(token))) {
      const shown = token.length > 32 ? 'an integer' : token
      return {
        path: pathOf(level),
        message: `${shown} is beyond 2^53, where numbers lose precision; quote it: "${token.slice(0, 32)}"`,
      }
    }
  }
  return undefined
}

function pathOf(level: Level | undefined): string {
  if (!level) return '$'
  return 'index' in level ? `${level.path}[${level.index}]` : `${level.path}.${shownKey(level.key ?? '')}`
}
