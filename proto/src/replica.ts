/**
 * How busy the replicas of a service are, as each of them says every half second on `replica.load.<service>`.
 *
 * Every orchestrator hears all of it, and not one of them: so it is no contract.
 */
import { z } from 'zod'

export const REPLICA_LOAD = 'replica.load'

export const ReplicaLoad = z.strictObject({
  /** The id of the instance, which INFO of the micro protocol reports. */
  instance: z.string().max(128),
  /** The part of one core that its thread has used since it said so last; null: it takes nothing new. */
  load: z.number().min(0).nullable(),
})
export type ReplicaLoad = z.output<typeof ReplicaLoad>
