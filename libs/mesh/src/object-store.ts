/** What is too large for a message lies in JetStream's object store while it is on its way. */
import { DeedError } from '@deed/proto/errors'
import { MANIFEST_BYTES_MAX, manifestBucket } from '@deed/proto/manifest'
import { type NatsConnection, nanos, StorageType } from 'nats'

/** What nobody came for is gone after this. */
const KEPT_MS = 24 * 3_600_000
const BUCKET_BYTES_MAX = 512 * 1024 * 1024

/** Makes a tenant's bucket for manifests, unless it is there. */
export async function ensureManifests(nc: NatsConnection, tenant: string): Promise<void> {
  await nc.jetstream().views.os(manifestBucket(tenant), {
    storage: StorageType.File,
    ttl: nanos(KEPT_MS),
    max_bytes: BUCKET_BYTES_MAX,
  })
}

/** Puts bytes under a name, in the place of what was there. @throws {DeedError} `unavailable` without the bucket */
export async function putObject(nc: NatsConnection, bucket: string, name: string, bytes: Uint8Array): Promise<void> {
  const store = await open(nc, bucket)
  await store.putBlob({ name }, bytes)
}

/**
 * @returns undefined where there is none of that name
 * @throws {DeedError} `payload_too_large`, before it is read; `unavailable` without the bucket
 */
export async function readObject(nc: NatsConnection, bucket: string, name: string): Promise<Uint8Array | undefined> {
  const store = await open(nc, bucket)
  const info = await store.info(name)
  if (!info || info.deleted) return undefined
  if (info.size > MANIFEST_BYTES_MAX) {
    throw new DeedError('payload_too_large', `${name} is larger than ${MANIFEST_BYTES_MAX} bytes; send less`)
  }
  return (await store.getBlob(name)) ?? undefined
}

export async function removeObject(nc: NatsConnection, bucket: string, name: string): Promise<void> {
  const store = await open(nc, bucket)
  await store.delete(name)
}

async function open(nc: NatsConnection, bucket: string) {
  try {
    return await nc.jetstream().views.os(bucket)
  } catch (cause) {
    throw new DeedError('unavailable', `the object store ${bucket} is not there`, { cause })
  }
}
