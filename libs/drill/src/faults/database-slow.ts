/** PostgreSQL answers late, and hardly lets anybody in: what waits is bounded, and who asks is told so. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/mesh/until'
import type { ServiceName } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import { requestExecution } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { askFor, assertDoneOnce, commandEffect, fileEffect } from '../effects.ts'
import type { Fault, Trial } from '../fault.ts'
import { residentOf } from '../resident.ts'
import { throughProxies } from '../through-proxies.ts'
import { underLoad } from '../under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
/** In each direction: 5 s until an answer. */
const LATE_MS = 2_500
/** Longer than a lease, with the burst; and what runs meanwhile takes longer still. */
const LATE_AFTER_BURST_MS = 5_000
const LIVE_SECONDS = 18
const SCARCE_MS = 6_000
/** At once, while the database is slow. */
const BURST = 3_000
const BURST_BYTES = 4_096
const BURST_MS = 8_000
/** What a service may grow by under the burst, in MiB. Measured: 20 to 90. */
const GROWTH_MIB_MAX = 256
const LOOK_MS = 250
/** What a caller may be told: each says that the same request may be sent again. */
const TOLD = ['overloaded', 'unavailable', 'rate_limited', 'deadline_exceeded']

export const databaseSlow: Fault = {
  id: 'F24',
  title: 'PostgreSQL answers after 5 s, then lets one connection in',
  needs: ({ linux }) => (linux ? undefined : 'only Linux tells how much memory another process has'),
  async run(trial) {
    const { mesh, name } = trial
    {
      await using proxies = await throughProxies(trial, WORKING, { patient: true })
      const live = commandEffect(mesh, name('live'), LIVE_SECONDS)
      const reply = askFor(mesh, live)
      await until(() => existsSync(join(mesh.workspace, `${live.name}.runs`)), { what: 'the attempt that lives on' })
      proxies.database.set({ delayMs: LATE_MS })
      await boundedly(trial, async () => {
        await burst(trial)
        await sleep(LATE_AFTER_BURST_MS)
      })
      proxies.database.set({ delayMs: 0 })
      const ended = await reply
      await assertDoneOnce(live, ended)
      // What was begun meanwhile may have been given back before it did anything.
      assert.deepEqual(
        await tokensOf(trial, ended.execution_id),
        ['1'],
        'late answers have cost a live attempt its lease',
      )
      await mesh.heal()
    }
    const limit = (connections: number) =>
      mesh.database.query(`alter role deed_orchestrator connection limit ${connections}`)
    try {
      await limit(1)
      await mesh.database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'deed_orchestrator'`,
      )
      await boundedly(trial, () => underLoad(trial, () => sleep(SCARCE_MS)))
    } finally {
      await limit(-1)
    }
  },
}

/** @throws where a service took much more memory meanwhile than before */
async function boundedly({ mesh }: Trial, work: () => Promise<void>): Promise<void> {
  const before = residentOf(mesh)
  const most = { ...before }
  const look = (): void => {
    for (const [service, mib] of Object.entries(residentOf(mesh))) most[service] = Math.max(most[service] ?? 0, mib)
  }
  const looking = setInterval(look, LOOK_MS)
  try {
    await work()
  } finally {
    clearInterval(looking)
  }
  for (const [service, mib] of Object.entries(most)) {
    const growth = Math.round(mib - (before[service] ?? mib))
    assert.ok(growth <= GROWTH_MIB_MAX, `the ${service} grew by ${growth} MiB`)
  }
}

/** Far more than can be stored by then; each is accepted, or told what to do. */
async function burst({ mesh, name }: Trial): Promise<void> {
  const context = { pad: 'x'.repeat(BURST_BYTES) }
  let told = 0
  await Promise.all(
    Array.from({ length: BURST }, async () => {
      const { task, name: key } = fileEffect(mesh, name('burst'))
      try {
        const request = { task, idempotency_key: key, context, mode: 'background' as const }
        await mesh.client.call(requestExecution, request, { timeoutMs: BURST_MS })
      } catch (error) {
        assert.ok(error instanceof DeedError && TOLD.includes(error.code), `a caller was told: ${error}`)
        assert.ok(error.retryable, `${error.code} is said to be final`)
        told++
      }
    }),
  )
  assert.ok(told > 0, `all of ${BURST} requests were taken by a database that takes 5 s for each`)
}

const tokensOf = async ({ mesh }: Trial, id: ExecutionId): Promise<string[]> => {
  const { rows } = await mesh.database.query<{ token: string }>(
    `select token::text from orchestrator.actual_state where execution_id = $1 and task_kind = 'act'`,
    [id],
  )
  return rows.map(({ token }) => token)
}
