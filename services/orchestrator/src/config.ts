/** The orchestrator's environment, read once. */
import { BusEnvironment } from '@deed/mesh/connection'
import { readEnvironment } from '@deed/process/environment'
import { MetricsEnvironment } from '@deed/process/serve-metrics'
import { PrincipalName } from '@deed/proto/ids'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Config = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  ...MetricsEnvironment,
  /** The path of execution.yaml; absent: the defaults. */
  DEED_CONFIG: z.string().optional(),
  /** The path of a policy that replaces the default one. */
  DEED_POLICY: z.string().optional(),
  /** The lease of a task without a heartbeat, after which another attempt takes over, in milliseconds. */
  ORCHESTRATOR_LEASE_MS: z.coerce.number().int().min(3_000).max(600_000).default(10_000),
  /** The tenants whose intake streams are consumed, separated by commas. */
  ORCHESTRATOR_TENANTS: z
    .string()
    .default('local')
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(PrincipalName).min(1)),
})
export type Config = z.output<typeof Config> & {
  /** Contains the variables that webhooks name. */
  env: Readonly<Record<string, string | undefined>>
}

export const readConfig = (env: NodeJS.ProcessEnv): Config => ({ ...readEnvironment(Config, env), env })
