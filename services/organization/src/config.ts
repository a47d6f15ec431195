/** The environment of the service, read once. */
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Config = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  ...MetricsEnvironment,
  /** The path of a policy of what roles may decide, which replaces the default one. */
  DEED_AUTHORITY: z.string().min(1).optional(),
})
export type Config = z.output<typeof Config>

/** @throws {ConfigError} that names every missing or malformed variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(Config, env)
}
