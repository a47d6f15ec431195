/** All faults have ended: nothing is left open, nothing waits in a queue, nobody holds a lease, and new work is done. */
import assert from 'node:assert/strict'
import { until } from '@deed/process/until'
import { untilQuiet } from '../harness/check-invariants.ts'
import { askFor, assertDoneOnce, fileEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'

export const afterAll: Fault = {
  id: 'F47',
  title: 'after everything: quiet, and ready',
  async run({ mesh, name }) {
    await untilQuiet(mesh.database)
    const { rows } = await mesh.database.query(
      `select task_id, token from orchestrator.actual_state where lease_expires_at is not null or actual_status = 'in_progress'`,
    )
    assert.deepEqual(rows, [], 'leases are held')
    const manager = await mesh.client.nc.jetstreamManager()
    await until(async () => (await manager.streams.info('WORK')).state.messages === 0, { what: 'an empty work queue' })
    const effect = fileEffect(mesh, name('ready'))
    await assertDoneOnce(effect, await askFor(mesh, effect))
  },
}
