/** A task that kills its worker: it holds up no other task, and in the end a person is asked, once. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { cancelExecution } from '@deed/proto/steering'
import { checkAtAnyTime } from '../harness/check-invariants.ts'
import { askFor, assertDoneOnce, fileEffect, requestEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'
import type { FaultMesh } from '../harness/fault-mesh.ts'

const DEATHS = 3
const CHECK_EVERY_MS = 50

export const poison: Fault = {
  id: 'F20',
  title: 'a task kills every worker that takes it',
  async run({ mesh, name }) {
    const { client, database } = mesh
    // Writing a file passes this point, asking a server does not; the next process dies there, too.
    await mesh.restart('executor', { DEED_CRASH_AT: 'executor.mid_effect' })
    const executor = mesh.mesh.service('executor')
    const poisoned = fileEffect(mesh, name('poison'))
    const { execution_id } = await client.call(requestExecution, {
      task: poisoned.task,
      idempotency_key: poisoned.name,
      mode: 'background',
    })
    // The supervisor restarts the executor each time.
    let deaths = 0
    const over = new AbortController()
    const supervising = (async () => {
      for (; !over.signal.aborted; await sleep(CHECK_EVERY_MS)) {
        if (executor.pid !== undefined) continue
        deaths++
        await executor.start()
      }
    })()
    try {
      for (let count = 0; count < DEATHS; count++) {
        await until(() => deaths > count, { what: 'the death of the executor', timeoutMs: 30_000 })
        const other = requestEffect(mesh, name('beside-poison'))
        await assertDoneOnce(other, await askFor(mesh, other))
      }
      await assertAsksPersonOnce(mesh, execution_id)
    } finally {
      over.abort()
      await supervising
    }
    await mesh.heal()
    await client.call(cancelExecution, { execution_id })
    await until(
      async () => {
        const { rows } = await database.query<{ status: string }>(
          'select status from orchestrator.executions where execution_id = $1',
          [execution_id],
        )
        return (FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(rows[0]?.status ?? '')
      },
      { what: 'the end of what was poisoned' },
    )
  },
}

async function assertAsksPersonOnce({ mesh, database }: FaultMesh, id: ExecutionId): Promise<void> {
  // It has already failed ten times, the first two hours ago: time is what a drill cannot wait for.
  await mesh.service('orchestrator').kill()
  await database.query(
    `update orchestrator.actual_state set failure_count = 10, progress_at = now() - interval '2 hours'
      where execution_id = $1`,
    [id],
  )
  await mesh.service('orchestrator').start()
  const reviews = await until(
    async () => {
      const { rows } = await database.query<{ name: string }>(
        `select d.name from orchestrator.desired_state d where execution_id = $1 and task_kind = 'review'`,
        [id],
      )
      return rows.length > 0 ? rows : undefined
    },
    { what: 'the question to a person', timeoutMs: 60_000 },
  )
  assert.equal(reviews.length, 1)
  assert.match(reviews[0]?.name ?? '', /^HUMAN-REVIEW-/)
  await checkAtAnyTime(database)
}
