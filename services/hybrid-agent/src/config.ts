/** The environment of the service and execution.yaml, read once. */
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  /** The path of execution.yaml; without it the defaults apply, which define no workspace and no target. */
  DEED_CONFIG: z.string().min(1).optional(),
  /** A folder with additional rule packs. */
  RULES_DIR: z.string().min(1).optional(),
})

export type Config = z.output<typeof Environment> & { readonly execution: ExecutionConfig }

/** @throws one error that names every missing or malformed variable and every invalid key of execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const environment = readEnvironment(Environment, env)
  return { ...environment, execution: readExecutionConfig(environment.DEED_CONFIG, env) }
}
