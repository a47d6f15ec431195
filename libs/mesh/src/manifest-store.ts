/**
 * Manifests that are too large for a message lie in JetStream's object store, part by part, until they are accepted.
 * Only the orchestrator reaches it; a caller puts parts with `manifest.put`.
 */
import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { MANIFEST_BUCKET, MANIFEST_BYTES_MAX } from '@deed/proto/manifest'
import { type NatsConnection, nanos, StorageType } from 'nats'

/** What is not asked for is removed after this. */
const KEPT_MS = 24 * 3_600_000
const BUCKET_BYTES_MAX = 512 * 1024 * 1024

/** One of a caller's objects; another caller's of the same name is another. */
export interface StoredManifest {
  readonly principal: Principal
  readonly object: string
}

/** Makes the store, unless it is there. */
export async function ensureManifests(nc: NatsConnection): Promise<void> {
  await nc.jetstream().views.os(MANIFEST_BUCKET, {
    storage: StorageType.File,
    ttl: nanos(KEPT_MS),
    max_bytes: BUCKET_BYTES_MAX,
  })
}

/** Puts a part in the place of what was there. @throws {DeedError} `unavailable` without the store */
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
 * @returns undefined where nothing was put
 * @throws {DeedError} `invalid_manifest` where a part is missing, `payload_too_large`, `unavailable` without the store
 */
export async function readManifest(nc: NatsConnection, of: StoredManifest): Promise<Uint8Array | undefined> {
  const store = await open(nc)
  const count = await partsOf(store, of)
  if (count === undefined) return undefined
  const bytes: Uint8Array[] = []
  for (let part = 1, length = 0; part <= count; part++) {
    const found = await store.getBlob(nameOf(of, part))
    if (!found) {
      const message = `part ${part} of ${count} of "${of.object}" is not there; put it with manifest.put`
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
  // The first one says how many there are, so it goes last.
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
    throw new DeedError('unavailable', `the object store ${MANIFEST_BUCKET} is not there`, { cause })
  }
}
