/** What the environment says about this process. */
import { resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { BusEnvironment, busAddress } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Environment = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  ...MetricsEnvironment,
  /** The path of execution.yaml; without it the defaults apply, which define no workspace and no target. */
  DEED_CONFIG: z.string().optional(),
  /** Where snapshots and the logs of supervised processes are kept. */
  DEED_DATA: z.string().default('.deed'),
  /** The program that confines commands by Landlock, for hosts where bubblewrap cannot; absent: the one that was built. */
  DEED_CONFINE: z.string().optional(),
})

export type Config = ReturnType<typeof readConfig>

/** @throws one error that names every missing or malformed variable and every invalid key of execution.yaml */
export function readConfig(env: NodeJS.ProcessEnv) {
  const environment = readEnvironment(Environment, env)
  const file = environment.DEED_CONFIG === undefined ? undefined : resolve(environment.DEED_CONFIG)
  return {
    bus: busAddress(environment),
    metrics: environment,
    database: { url: environment.DATABASE_URL, ownerUrl: environment.DATABASE_OWNER_URL },
    dataFolder: resolve(environment.DEED_DATA),
    configFile: file,
    confine: environment.DEED_CONFINE,
    execution: readExecutionConfig(file),
    /** Targets name variables of it. */
    env,
  }
}
