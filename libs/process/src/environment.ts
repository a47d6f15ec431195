/** A process' environment as one typed value. */
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import type { z } from 'zod'
import { ConfigurationError } from './configuration-error.ts'

/**
 * The environment as one typed value.
 *
 * @throws {ConfigurationError} that names every missing or malformed variable
 */
export function readEnvironment<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const { data, error } = schema.safeParse(env, IN_SENTENCES)
  if (error) throw new ConfigurationError(`the environment cannot be used\n  ${faultLines(error).join('\n  ')}`)
  return data as z.output<S>
}
