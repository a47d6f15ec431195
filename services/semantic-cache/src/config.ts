/** The environment of the service and execution.yaml, read once. */
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  ...MetricsEnvironment,
  /** The path of execution.yaml; without it the defaults apply. */
  DEED_CONFIG: z.string().min(1).optional(),
})

export type Config = z.output<typeof Environment> & { readonly cache: ExecutionConfig['cache'] }

/** @throws one error that names every missing or malformed variable and every invalid key of execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const environment = readEnvironment(Environment, env)
  return { ...environment, cache: readExecutionConfig(environment.DEED_CONFIG).cache }
}
