/**
 * Stores manifests that are too large for a message in JetStream's object store, in parts, until they are accepted.
 * Only the orchestrator has access; a caller puts parts with `manifest.put`.
 */
import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { MANIFEST_BUCKET, MANIFEST_BYTES_MAX } from '@deed/proto/manifest'
import { type NatsConnection, nanos, StorageType } from 'nats'
import { setReplicas } from './replicas.ts'

/** Unused parts are removed after this time. */
const KEPT_MS = 24 * 3_600_000
const BUCKET_BYTES_MAX = 512 * 1024 * 1024

/** An object of one caller; names of different callers never collide. */
export interface StoredManifest {
  readonly principal: Principal
  readonly object: string
}

/** Creates the store if it does not exist. @param replicas servers of a cluster that keep it */
export async function ensureManifests(nc: NatsConnection, replicas = 1): Promise<void> {
  const store = await nc.jetstream().views.os(MANIFEST_BUCKET, {
    storage: StorageType.File,
    ttl: nanos(KEPT_MS),
    max_bytes: BUCKET_BYTES_MAX,
  })
  // Not at its creation: the client sends the server a field with a name that it refuses.
  const { streamInfo } = await store.status()
  await setReplicas(await nc.jetstreamManager(), streamInfo.config.name, replicas)
}

/** Puts a part, replacing an earlier one. @throws {DeedError} `unavailable` without the store */
export async function putPart(
  nc: NatsConnection,
  of: StoredManifest,
  { part, parts }: { part: number; parts: number },
  bytes: Uint8Array,
): Promise<void> {
  const store = await open(nc)
  await store.putBlob({ name: nameOf(of, part), metadata: { parts: String(parts) } }, bytes)
}

/**
 * @returns undefined if nothing was put
 * @throws {DeedError} `invalid_manifest` if a part is missing, `payload_too_large`, `unavailable` without the store
 */
export async function readManifest(nc: NatsConnection, of: StoredManifest): Promise<Uint8Array | undefined> {
  const store = await open(nc)
  const count = await partsOf(store, of)
  if (count === undefined) return undefined
  const bytes: Uint8Array[] = []
  for (let part = 1, length = 0; part <= count; part++) {
    const found = await store.getBlob(nameOf(of, part))
    if (!found) {
      const message = `part ${part} of ${count} of "${of.object}" is missing; put it with manifest.put`
      throw new DeedError('invalid_manifest', message, { path: '$.manifest_ref.object' })
    }
    length += found.length
    if (length > MANIFEST_BYTES_MAX) {
      throw new DeedError('payload_too_large', `${of.object} is larger than ${MANIFEST_BYTES_MAX} bytes; send less`)
    }
    bytes.push(found)
  }
  return Buffer.concat(bytes)
}

export async function removeManifest(nc: NatsConnection, of: StoredManifest): Promise<void> {
  const store = await open(nc)
  const count = (await partsOf(store, of)) ?? 0
  // The first part states the number of parts, so it is deleted last.
  for (let part = count; part >= 1; part--) await store.delete(nameOf(of, part))
}

type Store = Awaited<ReturnType<typeof open>>

async function partsOf(store: Store, of: StoredManifest): Promise<number | undefined> {
  const first = await store.info(nameOf(of, 1))
  return first && !first.deleted ? Number(first.metadata?.parts ?? 1) : undefined
}

const nameOf = ({ principal: { tenant, user }, object }: StoredManifest, part: number): string =>
  `${tenant}/${user}/${object}/${part}`

async function open(nc: NatsConnection) {
  try {
    return await nc.jetstream().views.os(MANIFEST_BUCKET)
  } catch (cause) {
    throw new DeedError(
      'unavailable',
      `the object store ${MANIFEST_BUCKET} does not exist; check that JetStream is running`,
      { cause },
    )
  }
}
