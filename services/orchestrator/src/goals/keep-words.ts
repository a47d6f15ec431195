/** Words that say of a service that it is to stay up: what they ask for has no end, so it is a goal and no task. */

const KEEP = /^\s*keep\s+(.+?)\s+(?:running|up)\s*[.!]?\s*$/i
const SERVICE = /^(?:the\s+)?(?:service\s+)?(\S+?)(?:\s+(?:service|server|process))?$/i

/** What would bring it about once, in words that a rule knows; other words are as they were. */
export const onceFor = (words: string): string => words.replace(KEEP, 'make sure $1 is running')

/** @returns the one of these targets that is to stay up */
export function keptTarget(words: string, targets: Iterable<string>): string | undefined {
  const named = SERVICE.exec(KEEP.exec(words)?.[1] ?? '')?.[1]?.toLowerCase()
  return named === undefined ? undefined : [...targets].find((target) => target.toLowerCase() === named)
}
