/** The texts that a model reads besides the words of its task. Others wrote them, so they are untrusted. */
import type { AgentTask } from '@deed/proto/agent'
import type { ErrorBody } from '@deed/proto/errors'

const SOURCES_MAX = 32
const NAME_CHARS_MAX = 256
/** Fields that name places; request validation has checked them. */
const PLACES: ReadonlySet<string> = new Set(['workspace', 'target_file'])

/**
 * @returns names such as `context.log` and `earlier_errors`; empty if the model reads only the requester's words
 * @param known the sources of what else is known; `workspace_facts` are in Deed's own words
 */
export function untrustedSources(
  { context = {} }: AgentTask,
  earlierErrors: readonly ErrorBody[],
  known: readonly string[] = [],
): string[] {
  const fields = Object.keys(context).filter((name) => !PLACES.has(name))
  return [
    // The error of a lost lease is written by Deed; other errors may repeat the output of a file or a program.
    ...(earlierErrors.some(({ code }) => code !== 'lease_lost') ? ['earlier_errors'] : []),
    ...new Set(known.filter((source) => source !== 'workspace_facts').map((source) => `known.${source}`)),
    ...fields.map((name) => `context.${name}`.slice(0, NAME_CHARS_MAX).toWellFormed()),
  ].slice(0, SOURCES_MAX)
}
