/** The power of a server's disk is cut under load: what was acknowledged, or committed, is there when it is back. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { inLanes } from '@deed/process/in-lanes'
import { until } from '@deed/process/until'
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { checkInvariants } from '../harness/check-invariants.ts'
import { type Disk, mountDisk, needsDisk } from '../harness/disk.ts'
import { askFor, assertDoneOnce, fileEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'
import { type FaultMesh, faultMesh } from '../harness/fault-mesh.ts'

const LANES = 16
const SUBMITS_MAX = 2_000
/** The power goes once so many are acknowledged. */
const ACKNOWLEDGED_MIN = 200
const ASKS = 200
const ANSWERED_MIN = 60

export const powerCuts: readonly Fault[] = [
  {
    id: 'F17',
    title: 'the power of NATS is cut under submissions',
    needs: needsDisk,
    run: (trial) =>
      onDisk('nats', async (mesh, disk) => {
        // Nobody takes them in, so that they are in the stream alone when the power goes.
        await mesh.mesh.service('orchestrator').kill()
        const acknowledged: string[] = []
        const effects = Array.from({ length: SUBMITS_MAX }, () => fileEffect(mesh, trial.name('submitted')))
        let cut = false
        const submitting = inLanes(LANES, effects, async ({ name, task }) => {
          if (cut) return
          try {
            await mesh.client.nc.jetstream().publish(SUBMIT_SUBJECT, JSON.stringify({ task, idempotency_key: name }))
            acknowledged.push(name)
          } catch {
            // No acknowledgement, no promise.
          }
        })
        await until(() => acknowledged.length >= ACKNOWLEDGED_MIN, { what: 'acknowledgements' })
        disk.cutPower()
        cut = true
        await mesh.mesh.nats?.kill()
        await submitting
        await disk.powerUp()
        await mesh.mesh.nats?.start()
        await mesh.mesh.service('orchestrator').start()
        await until(async () => (await doneAmong(mesh, acknowledged)) === acknowledged.length, {
          what: `the end of all ${acknowledged.length} that were acknowledged`,
          timeoutMs: 60_000,
        })
      }),
  },
  {
    id: 'F22',
    title: 'the power of PostgreSQL is cut under load',
    needs: needsDisk,
    run: (trial) =>
      onDisk('postgres', async (mesh, disk) => {
        const effects = Array.from({ length: ASKS }, () => fileEffect(mesh, trial.name('asked')))
        const answered = new Map<string, string>()
        const asking = inLanes(LANES, effects, async (effect) => {
          const reply = await askFor(mesh, effect)
          await assertDoneOnce(effect, reply)
          answered.set(effect.name, reply.execution_id)
        })
        asking.catch(() => undefined)
        await until(() => answered.size >= ANSWERED_MIN, { what: 'answers' })
        disk.cutPower()
        const before = new Map(answered)
        await mesh.mesh.postgres?.kill()
        await disk.powerUp()
        await mesh.mesh.postgres?.start()
        await asking
        for (const effect of effects) {
          const reply = await askFor(mesh, effect)
          await assertDoneOnce(effect, reply)
          const known = before.get(effect.name)
          if (known !== undefined) assert.equal(reply.execution_id, known, `${effect.name} was answered, and forgotten`)
        }
      }),
  },
]

/** A mesh of its own, of which one server is on a disk of its own. */
async function onDisk(
  server: 'nats' | 'postgres',
  work: (mesh: FaultMesh, disk: Disk) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  await using disk = mountDisk(join(dataDir, server), join(folder.path, 'disk.img'))
  await using mesh = await faultMesh({ dataDir })
  // The installation itself had been there for long.
  disk.flush()
  await work(mesh, disk)
  await checkInvariants(mesh.database)
}

async function doneAmong({ database }: FaultMesh, keys: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from orchestrator.executions where status = 'done' and idempotency_key = any($1)`,
    [keys],
  )
  return rows[0]?.count ?? 0
}
