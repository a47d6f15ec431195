/** Streams and consumers of JetStream, as they must be: made if they are missing, corrected if they are different. */
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '@deed/config/counted'
import { type ConsumerConfig, type JetStreamManager, NatsError, type StreamConfig } from 'nats'
import { onServers, setReplicas } from './replicas.ts'

type StreamSettings = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'num_replicas'>

/** @returns what was different; undefined for nothing @throws {ConfigError} if there are fewer servers than replicas */
export async function ensureStream(jsm: JetStreamManager, settings: StreamSettings): Promise<string | undefined> {
  const { name, num_replicas } = settings
  const found = await unlessThere(
    () => jsm.streams.info(name),
    () => onServers(num_replicas, () => jsm.streams.add(settings)),
  )
  if (!found) return 'was missing'
  const before = found.config.num_replicas
  if (before === num_replicas) return undefined
  await setReplicas(jsm, name, num_replicas)
  return `had ${counted(before, 'replica')}, and not ${num_replicas}`
}

export async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  name: string,
  settings: Partial<ConsumerConfig>,
): Promise<'there' | 'missing' | 'made with other settings'> {
  const found = await unlessThere(
    () => jsm.consumers.info(stream, name),
    () => jsm.consumers.add(stream, { durable_name: name, ...settings }),
  )
  if (!found) return 'missing'
  const differs = Object.entries(settings).some(([key, value]) => found.config[key as keyof ConsumerConfig] !== value)
  if (!differs) return 'there'
  await jsm.consumers.update(stream, name, { ...found.config, ...settings })
  return 'made with other settings'
}

/** The API's code for a missing object. */
export const NOT_FOUND = '404'

/** How long another replica may take to create what both found missing. */
const CREATED_ELSEWHERE_MS = 5_000
const LOOK_AGAIN_MS = 50

/**
 * Creates an object if it is missing. Several replicas may do so at once: the server refuses all but the first, and counts
 * the size of a stream once for each that is under way.
 *
 * @returns the existing object; undefined if it was created
 */
async function unlessThere<T>(look: () => Promise<T>, make: () => Promise<unknown>): Promise<T | undefined> {
  const deadline = performance.now() + CREATED_ELSEWHERE_MS
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof NatsError) || error.code !== NOT_FOUND) throw error
    }
    try {
      await make()
      return undefined
    } catch (error) {
      if (!(error instanceof NatsError) || !error.isJetStreamError() || performance.now() > deadline) throw error
    }
    await sleep(LOOK_AGAIN_MS)
  }
}
