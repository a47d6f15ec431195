/** The services that change nothing outside of their tables: on one machine they may share a process. */
import { readEnvironment } from '@deed/process/environment'
import type { ServiceName } from '@deed/proto/contract'
import { z } from 'zod'

export const THINKERS = [
  'hybrid-agent',
  'organization',
  'semantic-cache',
  'task-decomposer',
  'template-optimizer',
] as const satisfies ServiceName[]

/** The name of the process that they share, in its log and its records. */
export const THINKING = 'thinking'

/** The variable with the environment of each, for that process. */
export const ENVIRONMENTS = 'DEED_ENVIRONMENTS'
export const Environments = z.partialRecord(z.enum(THINKERS), z.record(z.string(), z.string()))

/** Whether they share a process, or each has its own. */
const Thinkers = z.enum(['together', 'apart'])
export type Thinkers = z.output<typeof Thinkers>

/** @throws {ConfigError} for another value than the two */
export function readThinkers(env: NodeJS.ProcessEnv): Thinkers {
  const schema = z.object({ DEED_THINKERS: Thinkers.default('together') })
  return readEnvironment(schema, { DEED_THINKERS: env.DEED_THINKERS || undefined }).DEED_THINKERS
}
