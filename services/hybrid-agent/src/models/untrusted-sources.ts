/** Which texts a model reads besides the words of its task: others wrote them, and nobody vouches for what they ask for. */
import type { AgentTask } from '@deed/proto/agent'
import type { ErrorBody } from '@deed/proto/errors'

const SOURCES_MAX = 32
const NAME_CHARS_MAX = 256
/** Names of places, which the door has checked. */
const PLACES: ReadonlySet<string> = new Set(['workspace', 'target_file'])

/** @returns names such as `context.log` and `earlier_errors`; empty where all that a model reads is the requester's own */
export function untrustedSources({ context = {} }: AgentTask, earlierErrors: readonly ErrorBody[]): string[] {
  const fields = Object.keys(context).filter((name) => !PLACES.has(name))
  return [
    // A lease that was lost is told in Deed's own words; the others may repeat what a file or a program said.
    ...(earlierErrors.some(({ code }) => code !== 'lease_lost') ? ['earlier_errors'] : []),
    ...fields.map((name) => `context.${name}`.slice(0, NAME_CHARS_MAX).toWellFormed()),
  ].slice(0, SOURCES_MAX)
}
