/**
 * A disk is full, of each thing that is kept on one: what cannot be kept is refused or not acknowledged, nothing is torn,
 * and all continues by itself once there is room.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { storeFault } from '@deed/local/store-fault'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { inLanes } from '@deed/process/in-lanes'
import { until } from '@deed/process/until'
import { requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { ask } from '../harness/ask.ts'
import { checkInvariants } from '../harness/check-invariants.ts'
import { mountSmallDisk, needsSmallDisk, type SmallDisk } from '../harness/disk.ts'
import { askFor, assertDoneOnce, type CountedEffect, fileEffect } from '../harness/effects.ts'
import type { Fault, Trial } from '../harness/fault.ts'
import { type FaultMesh, faultMesh } from '../harness/fault-mesh.ts'

const KILOBYTE = 1024
const MEGABYTE = 1024 ** 2
const WORKSPACE_BYTES = 128 * KILOBYTE
const NATS_BYTES = 64 * MEGABYTE
const POSTGRES_BYTES = 256 * MEGABYTE
const LOG_BYTES = 8 * MEGABYTE
/** In the stream of a full disk there may be room left for a few in blocks that it has already. */
const SUBMITS_MAX = 2_000
const SUBMIT_MS = 1_000
const BACK_MS_MAX = 30_000
const LANES = 8
/** Each says more than a kilobyte in the logs. */
const ASKS_WHILE_FULL = 100

export const fullDisks: Fault = {
  id: 'F30',
  title: 'the disk of a workspace, of NATS, of PostgreSQL, of the logs is full',
  needs: needsSmallDisk,
  async run(trial) {
    await workspace(trial)
    await onSmallDisk('nats', NATS_BYTES, (mesh, disk) => nats(trial, mesh, disk))
    await onSmallDisk('postgres', POSTGRES_BYTES, (mesh, disk) => postgres(trial, mesh, disk))
    await onSmallDisk('logs', LOG_BYTES, (mesh, disk) => logs(trial, mesh, disk))
  },
}

/** A mesh of its own, as `deed up` runs it, of which one folder is on a small disk. */
async function onSmallDisk(
  folder: string,
  bytes: number,
  work: (mesh: FaultMesh, disk: SmallDisk) => Promise<void>,
): Promise<void> {
  using place = temporaryFolder()
  const dataDir = join(place.path, 'data')
  using disk = mountSmallDisk(join(dataDir, folder), bytes)
  await using mesh = await faultMesh({ dataDir, supervise: true })
  try {
    await work(mesh, disk)
    await checkInvariants(mesh.database)
  } catch (error) {
    throw new Error(`the disk of ${folder} was full: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}

async function workspace({ mesh, name }: Trial): Promise<void> {
  const folder = name('small')
  const place = join(mesh.workspace, folder)
  using disk = mountSmallDisk(place, WORKSPACE_BYTES)
  const kept = `${folder}/kept.txt`
  await ask(mesh.client, { task: `write "old" to ${kept}`, idempotency_key: name('full') })
  disk.fill()
  const large = 'x'.repeat(32 * KILOBYTE)
  const task = `write "${large}" to ${kept}`
  const { status, error } = await ask(mesh.client, { task, idempotency_key: name('full') })
  assert.notEqual(status, 'done', 'it is said to be written where there is no room')
  assert.match(error?.message ?? '', /space|full|ENOSPC/i, 'the refusal does not name the disk')
  assert.equal(mesh.read(kept), 'old', 'the file that was there is torn')
  disk.free()
  const again = await ask(mesh.client, { task, idempotency_key: name('full') })
  assert.equal(again.status, 'done', 'there is room again, and it is not done')
  assert.equal(mesh.read(kept), large)
  assert.deepEqual(readdirSync(place), ['kept.txt'], 'something was left behind')
}

async function nats({ name }: Trial, mesh: FaultMesh, disk: SmallDisk): Promise<void> {
  const acknowledged: CountedEffect[] = []
  const submit = async (): Promise<boolean> => {
    const effect = fileEffect(mesh, name('submitted'))
    const body = JSON.stringify({ task: effect.task, idempotency_key: effect.name })
    try {
      await mesh.client.nc.jetstream().publish(SUBMIT_SUBJECT, body, { timeout: SUBMIT_MS })
    } catch {
      return false
    }
    acknowledged.push(effect)
    return true
  }
  assert.ok(await submit(), 'a sound disk takes nothing')
  disk.fill()
  let refused = false
  for (let count = 0; count < SUBMITS_MAX && !refused; count++) refused = !(await submit())
  assert.ok(refused, 'a full disk acknowledges whatever it is given')
  assert.ok(mesh.mesh.nats)
  assert.match((await storeFault(mesh.mesh.nats.status)) ?? '', /no space/, 'nothing says that the disk is full')
  // What waits in memory alone continues.
  const beside = fileEffect(mesh, name('beside'))
  await assertDoneOnce(beside, await askFor(mesh, beside))
  disk.free()
  await until(submit, { what: 'an acknowledgement once there is room', timeoutMs: BACK_MS_MAX })
  await assertAllDone(mesh, acknowledged)
}

async function postgres({ name }: Trial, mesh: FaultMesh, disk: SmallDisk): Promise<void> {
  const before = fileEffect(mesh, name('before'))
  await assertDoneOnce(before, await askFor(mesh, before))
  disk.fill()
  // Such as cannot be compressed, so that no page has room left for it.
  const pad = randomBytes(64 * KILOBYTE).toString('base64')
  const refused = fileEffect(mesh, name('refused'))
  const request = { task: refused.task, idempotency_key: refused.name, context: { pad } }
  await assert.rejects(mesh.client.call(requestExecution, request), {
    code: 'unavailable',
    message: /disk of the database is full/,
  })
  assert.equal(refused.count(), 0, 'what was refused was done')
  const submitted = fileEffect(mesh, name('submitted'))
  const body = JSON.stringify({ task: submitted.task, idempotency_key: submitted.name })
  await mesh.client.nc.jetstream().publish(SUBMIT_SUBJECT, body)
  // Where there is no room for the log of changes either, the server itself ends.
  await mesh.database.query('select pg_switch_wal()').catch(() => undefined)
  await mesh.database.query('create table full_disk as select generate_series(1, 200000)').catch(() => undefined)
  disk.free()
  const [reply] = await Promise.all([ask(mesh.client, request), assertAllDone(mesh, [before, submitted])])
  await assertDoneOnce(refused, reply)
}

async function logs({ name }: Trial, mesh: FaultMesh, disk: SmallDisk): Promise<void> {
  const pids = mesh.mesh.services.map(({ pid }) => pid)
  const asked = Array.from({ length: ASKS_WHILE_FULL }, () => fileEffect(mesh, name('unlogged')))
  disk.fill()
  await assertAllDone(mesh, asked)
  assert.deepEqual(
    mesh.mesh.services.map(({ pid }) => pid),
    pids,
    'a service died because it could not write its log',
  )
  disk.free()
  const marked = fileEffect(mesh, name('logged'))
  const reply = await askFor(mesh, marked)
  await assertDoneOnce(marked, reply)
  await until(() => mesh.log('executor').includes(reply.execution_id), { what: 'lines in the log again' })
  const folder = join(mesh.mesh.dataDir, 'logs')
  for (const file of readdirSync(folder)) {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1)
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), `a line of ${file} is torn: ${line}`)
  }
}

/** Asks for what was submitted too: the same request under the same key attaches to what there is. */
const assertAllDone = (mesh: FaultMesh, effects: readonly CountedEffect[]): Promise<unknown> =>
  inLanes(LANES, effects, async (effect) => assertDoneOnce(effect, await askFor(mesh, effect)))
