/**
 * Streams of events: what was reported live stays readable for a time.
 *
 * A publisher keeps an event in its tables until the stream has acknowledged it, and publishes it again after a crash; the
 * stream drops the second one by its id.
 */
import { CONTRACTS } from '@deed/proto/contracts'
import { DiscardPolicy, type NatsConnection, nanos, RetentionPolicy, StorageType } from 'nats'
import { ensureStream } from './ensure-stream.ts'

const DAY_MS = 24 * 3_600_000
const KEPT_DAYS = 30
const BYTES_MAX = 256 * 1024 * 1024
/** How long after the first one a second event of an id is dropped: longer than a crashed publisher stays away. */
const DUPLICATES_MS = 2 * 3_600_000
const PUBLISH_MS_MAX = 5_000

/** Subjects by the stream that keeps them. */
function eventStreams(): Map<string, string[]> {
  const streams = new Map<string, string[]>()
  for (const contract of CONTRACTS)
    if (contract.type === 'event' && contract.stream !== undefined)
      streams.set(contract.stream, [...(streams.get(contract.stream) ?? []), contract.subject])
  return streams
}

/**
 * Creates them if they are missing. File storage, the oldest events go first.
 *
 * @param replicas servers of a cluster that keep each stream
 * @throws {ConfigError} if there are fewer servers than replicas
 */
export async function ensureEventStreams(nc: NatsConnection, replicas = 1): Promise<void> {
  const jsm = await nc.jetstreamManager()
  for (const [name, subjects] of eventStreams())
    await ensureStream(jsm, {
      ...{ name, subjects, retention: RetentionPolicy.Limits, storage: StorageType.File, discard: DiscardPolicy.Old },
      ...{ max_age: nanos(KEPT_DAYS * DAY_MS), max_bytes: BYTES_MAX, duplicate_window: nanos(DUPLICATES_MS) },
      num_replicas: replicas,
    })
}

/**
 * Resolves once the stream has it; a repeat with the same id changes nothing there.
 *
 * @throws {NatsError} if no stream acknowledges it
 */
export async function publishEvent(
  nc: NatsConnection,
  { subject, id, payload }: { subject: string; id: string; payload: object },
): Promise<void> {
  await nc.jetstream().publish(subject, JSON.stringify(payload), { msgID: id, timeout: PUBLISH_MS_MAX })
}
