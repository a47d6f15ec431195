/** The manifest of a request: as it is, made of a workflow, or read from the object store and removed once it is accepted. */
import { createHash } from 'node:crypto'
import { decodeJson } from '@deed/json/decode'
import { validate } from '@deed/json/validate'
import type { Bus } from '@deed/mesh/bus'
import { readManifest, removeManifest } from '@deed/mesh/manifest-store'
import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { Manifest, type ManifestReference } from '@deed/proto/manifest'
import type { Log } from '@deed/telemetry/logger'
import type { Driver } from '../dispatch/drive.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { manifestOf, type WorkflowSources } from '../workflows/workflows.ts'
import type { RawRequest } from './validate-request.ts'

export interface Taking {
  db: Database
  bus: Bus
  log: Log
  driver: Driver
  config: WorkflowSources
}

/**
 * The request with its manifest inserted; other requests are unchanged.
 *
 * @throws {DeedError} `not_found` or `invalid_manifest`, or what a workflow lacks
 */
export async function takeManifest(taking: Taking, principal: Principal, asked: RawRequest): Promise<RawRequest> {
  const { manifest_ref: reference, workflow } = asked
  if (workflow) return { ...asked, manifest: manifestOf(taking.config, workflow) }
  if (reference === undefined) return asked
  const bytes = await readManifest(taking.bus.nc, { principal, object: reference.object })
  if (bytes === undefined) return { ...asked, manifest: await takenBefore(taking, principal, asked, reference) }
  if (createHash('sha256').update(bytes).digest('hex') !== reference.sha256) {
    throw new DeedError('invalid_manifest', 'the object does not match its digest; put it again', {
      path: '$.manifest_ref.sha256',
    })
  }
  return { ...asked, manifest: validate(Manifest, decodeJson(bytes, { exactIntegers: true })) }
}

/** A repeat of a request whose answer was lost: its object was consumed the first time. */
async function takenBefore(
  { db, driver }: Taking,
  principal: Principal,
  { idempotency_key: key }: RawRequest,
  { object, sha256 }: ManifestReference,
): Promise<Manifest> {
  const missing = new DeedError('not_found', `there is no object "${object}"; put it with manifest.put`, {
    path: '$.manifest_ref.object',
  })
  if (key === undefined) throw missing
  const id = await findExecution(db, principal, { key }).catch(() => undefined)
  const request = id === undefined ? undefined : (await driver.read(id)).execution.request
  if (request?.manifest_ref?.sha256 !== sha256 || !request.manifest) throw missing
  return request.manifest
}

/** An object that stays after a failure expires by age. */
export async function dropManifest({ bus, log }: Taking, principal: Principal, asked: RawRequest): Promise<void> {
  if (asked.manifest_ref === undefined) return
  await removeManifest(bus.nc, { principal, object: asked.manifest_ref.object }).catch((error: unknown) =>
    log.warn({ err: error, tenant: principal.tenant }, 'removing a manifest from the object store failed'),
  )
}
