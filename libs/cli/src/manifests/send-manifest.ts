/** A manifest as a request carries it: as it is, or put in parts and named where it is large. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '@deed/json/canonical-json'
import type { Bus } from '@deed/mesh/bus'
import {
  MANIFEST_INLINE_BYTES_MAX,
  MANIFEST_PART_BYTES_MAX,
  type Manifest,
  type ManifestReference,
  putManifest,
} from '@deed/proto/manifest'

/** The same manifest always goes the same way, so that it is the same request. */
export async function sendManifest(
  bus: Bus,
  manifest: Manifest,
): Promise<{ manifest: Manifest } | { manifest_ref: ManifestReference }> {
  const bytes = Buffer.from(canonicalJson(manifest))
  if (bytes.length <= MANIFEST_INLINE_BYTES_MAX) return { manifest }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const parts = Math.ceil(bytes.length / MANIFEST_PART_BYTES_MAX)
  for (let part = 1; part <= parts; part++) {
    const data = bytes.subarray((part - 1) * MANIFEST_PART_BYTES_MAX, part * MANIFEST_PART_BYTES_MAX).toString('base64')
    await bus.call(putManifest, { object: sha256, part, parts, data })
  }
  return { manifest_ref: { object: sha256, sha256 } }
}
