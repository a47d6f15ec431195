/** The environment of the service, the keys of API providers and execution.yaml, read once. */
import { readFileSync } from 'node:fs'
import { API_PROVIDERS, keyVariable } from '@deed/config/api-providers'
import { ConfigError } from '@deed/config/config-error'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'
import type { ApiKeys } from './models/api-models.ts'

const Environment = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  ...MetricsEnvironment,
  /** The path of execution.yaml; without it the defaults apply, which define no workspace and no target. */
  DEED_CONFIG: z.string().min(1).optional(),
  /** A folder with additional rule packs. */
  RULES_DIR: z.string().min(1).optional(),
})

export type Config = z.output<typeof Environment> & {
  readonly execution: ExecutionConfig
  readonly apiKeys: ApiKeys
}

/** @throws {ConfigError} that names every missing or malformed variable and every invalid key of execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const environment = readEnvironment(Environment, env)
  const execution = readExecutionConfig(environment.DEED_CONFIG, { OLLAMA_HOST: env.OLLAMA_HOST })
  return { ...environment, execution, apiKeys: readApiKeys(env) }
}

/** From `ANTHROPIC_API_KEY` or the file that `ANTHROPIC_API_KEY_FILE` names, and so on. */
function readApiKeys(env: NodeJS.ProcessEnv): ApiKeys {
  const keys = API_PROVIDERS.flatMap((provider) => {
    const key = readKey(env, keyVariable(provider))
    return key === undefined ? [] : [[provider, key]]
  })
  return Object.fromEntries(keys)
}

function readKey(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const [key, file] = [env[variable] || undefined, env[`${variable}_FILE`] || undefined]
  if (key !== undefined && file !== undefined) throw new ConfigError(`set ${variable} or ${variable}_FILE, not both`)
  const text = (key ?? (file === undefined ? undefined : readKeyFile(file, variable)))?.trim()
  // What no HTTP header can hold; the key itself is not shown.
  if (text !== undefined && !/^[\x21-\x7e]{1,4096}$/.test(text))
    throw new ConfigError(`${file === undefined ? variable : `${variable}_FILE`} holds no key: one line, no spaces`)
  return text
}

function readKeyFile(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`${variable}_FILE names ${file}, which cannot be read`, { cause })
  }
}
