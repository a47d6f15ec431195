/**
 * Secrets by reference: an action names one, execution.yaml names the environment variable that holds it, and the value
 * is put in where it is used. Whatever takes secrets out of texts knows it before that.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import { SECRET_REFERENCE } from '@deed/config/secret-use'
import { DeedError } from '@deed/proto/errors'
import { registerSecret } from '@deed/telemetry/redact'
import type { World } from './kind.ts'

type Secrets = Pick<World, 'env'> & { config: Pick<ExecutionConfig, 'secrets'> }

/** What is shorter occurs by chance, and is not taken out of texts. */
const SECRET_BYTES_MIN = 6

/** Makes every value known that there is, also before an action asks for it: a task may hold one in so many words. */
export function registerSecrets({ secrets }: Secrets['config'], env: World['env']): void {
  for (const { env: variable } of Object.values(secrets)) registerSecret(env[variable] ?? '')
}

/**
 * The secrets as variables of a program's environment.
 *
 * @throws {DeedError} `invalid_request` when one is not known or has no value
 */
export function secretVariables(names: readonly string[], world: Secrets): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const { variable, value } = secret(name, world)
      return [variable, value]
    }),
  )
}

/** The text with the values in place of `{{secret.<name>}}`. */
export const fillSecrets = (text: string, world: Secrets): string =>
  text.replace(SECRET_REFERENCE, (_, name: string) => secret(name, world).value)

function secret(name: string, { config, env }: Secrets): { variable: string; value: string } {
  const variable = Object.hasOwn(config.secrets, name) ? config.secrets[name]?.env : undefined
  if (variable === undefined) {
    const meant = nearest(name, Object.keys(config.secrets))
    throw new DeedError(
      'invalid_request',
      `execution.yaml has no secret ${JSON.stringify(name)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
  const value = env[variable]
  if (value === undefined || Buffer.byteLength(value.trim()) < SECRET_BYTES_MIN)
    throw new DeedError(
      'invalid_request',
      `the secret ${name} has no value of ${SECRET_BYTES_MIN} bytes: set ${variable}`,
    )
  registerSecret(value)
  return { variable, value }
}
