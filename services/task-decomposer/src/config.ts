/** The environment of the service, read once. */
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { z } from 'zod'

const Config = z.object(BusEnvironment)
export type Config = z.output<typeof Config>

/** @throws {ConfigurationError} that names every missing or malformed variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(Config, env)
}
