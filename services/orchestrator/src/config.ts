/** The orchestrator's environment, read once. */
import { BusEnvironment, readEnvironment } from '@deed/mesh/connection'
import { PrincipalName } from '@deed/proto/ids'
import { DatabaseEnvironment } from '@deed/store/database'
import { z } from 'zod'

const Config = z.object({
  ...BusEnvironment,
  ...DatabaseEnvironment,
  /** Path of execution.yaml; absent: the defaults. */
  DEED_CONFIG: z.string().optional(),
  /** Where Prometheus is answered; execution.yaml may say it instead. Absent: nowhere. */
  METRICS_PORT: z.string().optional(),
  /** On which address; execution.yaml may say it instead. Absent: 127.0.0.1. */
  METRICS_HOST: z.string().optional(),
  /** Path of a policy that replaces the default one. */
  DEED_POLICY: z.string().optional(),
  /** How long a task may go on without a heartbeat before another attempt takes it over, in milliseconds. */
  ORCHESTRATOR_LEASE_MS: z.coerce.number().int().min(3_000).max(600_000).default(10_000),
  /** Whose intake streams are consumed, separated by commas. */
  ORCHESTRATOR_TENANTS: z
    .string()
    .default('local')
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(PrincipalName).min(1)),
})
export type Config = z.output<typeof Config> & {
  /** Webhooks name variables of it. */
  env: Readonly<Record<string, string | undefined>>
}

export const readConfig = (env: NodeJS.ProcessEnv): Config => ({ ...readEnvironment(Config, env), env })
