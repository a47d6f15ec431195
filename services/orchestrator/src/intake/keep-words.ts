/** Words that ask for a service to stay up: this has no end, so it is a goal and not a task. */

const KEEP = /^\s*keep\s+(.+?)\s+(?:running|up)\s*[.!]?\s*$/i
const SERVICE = /^(?:the\s+)?(?:service\s+)?(\S+?)(?:\s+(?:service|server|process))?$/i

/** The words that achieve it once, in a form that rules know; other words are unchanged. */
export const onceFor = (words: string): string => words.replace(KEEP, 'make sure $1 is running')

/** @returns the target that must stay up */
export function keptTarget(words: string, targets: Iterable<string>): string | undefined {
  const named = SERVICE.exec(KEEP.exec(words)?.[1] ?? '')?.[1]?.toLowerCase()
  return named === undefined ? undefined : [...targets].find((target) => target.toLowerCase() === named)
}
