/** The environment of the service, read once. */
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { z } from 'zod'

const Config = z.object({
  ...BusEnvironment,
  ...MetricsEnvironment,
  /** The folder of your own packs of methods; they are tried before the built-in ones. */
  METHODS_DIR: z.string().min(1).optional(),
})
export type Config = z.output<typeof Config>

/** @throws {ConfigError} that names every missing or malformed variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(Config, env)
}
