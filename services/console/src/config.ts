/** What the environment and execution.yaml say about the console. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  ...MetricsEnvironment,
  /** The path of execution.yaml; without it the defaults apply. */
  DEED_CONFIG: z.string().optional(),
  /** Where the key of the sessions is kept. */
  DEED_DATA: z.string().default('.deed'),
  /** The folder that has the logs of the services; without it they are not shown. */
  DEED_LOGS: z.string().optional(),
  /** The port where execution.yaml names none. */
  CONSOLE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
})

export type Config = ReturnType<typeof readConfig>

/** @throws {ConfigError} that names every missing or malformed variable; {ConfigError} for execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env)
  const { console: settings } = readExecutionConfig(
    environment.DEED_CONFIG === undefined ? undefined : resolve(environment.DEED_CONFIG),
  )
  return {
    bus: busAddress(environment),
    metrics: environment,
    dataFolder: resolve(environment.DEED_DATA),
    logsFolder: environment.DEED_LOGS === undefined ? undefined : resolve(environment.DEED_LOGS),
    settings,
    clientSecret: readSecret(settings.oidc?.client_secret_file),
    port: settings.port ?? environment.CONSOLE_PORT,
  }
}

/** @throws {ConfigError} if there is no such file, or nothing in it */
function readSecret(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const unusable = (why: string, options?: ErrorOptions) =>
    new ConfigError(`console.oidc.client_secret_file: ${why}; write the secret of the client to ${file}`, options)
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw unusable(`cannot be read (${(cause as Error).message})`, { cause })
  }
  if (secret === '') throw unusable('is empty')
  return secret
}
