/** The environment of the service, read once. */
import { BusEnvironment, readEnvironment } from '@deed/mesh/connection'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Config = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  /** A folder with templates of one's own; a higher version of a shipped one replaces it. */
  TEMPLATES_DIR: z.string().min(1).optional(),
})
export type Config = z.output<typeof Config>

/** @throws {ConfigurationError} that names every missing or malformed variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(Config, env)
}
