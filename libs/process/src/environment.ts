/** A process' environment as one typed value. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '@deed/config/config-error'
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import { registerSecretsOf } from '@deed/telemetry/redact'
import type { z } from 'zod'

/**
 * The environment as one typed value. A variable that is not set is read from the file that `<name>_FILE` names, where that
 * is set: so a secret can be a mounted file.
 *
 * @throws {ConfigError} that names every missing or malformed variable, or a file that cannot be read
 */
export function readEnvironment<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const { data, error } = schema.safeParse({ ...env, ...fromFiles(Object.keys(schema.shape), env) }, IN_SENTENCES)
  if (error) throw new ConfigError(`the environment cannot be used\n  ${faultLines(error).join('\n  ')}`)
  return data as z.output<S>
}

/** A text may end with a line break, as files do. */
function fromFiles(names: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of names) {
    const file = env[`${name}_FILE`]
    if (!file || env[name] !== undefined) continue
    try {
      found[name] = readFileSync(file, 'utf8').trimEnd()
    } catch (cause) {
      throw new ConfigError(`${name}_FILE: ${(cause as Error).message}; correct the path or the rights of the file`, {
        cause,
      })
    }
  }
  registerSecretsOf(found)
  return found
}
