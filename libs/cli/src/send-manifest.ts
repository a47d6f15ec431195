/** A manifest as a request carries it: as it is, or by reference where it is large. */
import { createHash } from 'node:crypto'
import type { Bus } from '@deed/mesh/bus'
import { canonicalJson } from '@deed/mesh/canonical-json'
import { putObject } from '@deed/mesh/object-store'
import { LOCAL } from '@deed/proto/ids'
import { MANIFEST_INLINE_BYTES_MAX, type Manifest, type ManifestReference, manifestBucket } from '@deed/proto/manifest'

/** The same manifest always goes the same way, so that it is the same request. */
export async function sendManifest(
  bus: Bus,
  manifest: Manifest,
): Promise<{ manifest: Manifest } | { manifest_ref: ManifestReference }> {
  const bytes = Buffer.from(canonicalJson(manifest))
  if (bytes.length <= MANIFEST_INLINE_BYTES_MAX) return { manifest }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await putObject(bus.nc, manifestBucket(LOCAL.tenant), sha256, bytes)
  return { manifest_ref: { object: sha256, sha256 } }
}
