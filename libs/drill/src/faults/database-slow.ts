/** PostgreSQL answers late, and hardly lets anybody in: what waits is bounded, and callers are refused with the reason. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import type { ServiceName } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import { requestExecution } from '@deed/proto/execution'
import { askFor, assertDoneOnce, commandEffect, fileEffect } from '../harness/effects.ts'
import type { Fault, Trial } from '../harness/fault.ts'
import { residentOf } from '../harness/resident.ts'
import { throughProxies } from '../harness/through-proxies.ts'
import { underLoad } from '../harness/under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
/** In each direction: half a second until an answer, at which leases are kept; and 5 s, at which they may end. */
const SLOW_MS = 250
const LATE_MS = 2_500
const SLOW_FOR_MS = 10_000
/** Longer than a lease, with the burst; and what runs meanwhile takes longer still. */
const LATE_AFTER_BURST_MS = 5_000
const LIVE_SECONDS = 18
const SCARCE_MS = 6_000
/** At once, while the database is slow. */
const BURST = 1_000
const BURST_BYTES = 4_096
const BURST_MS = 8_000
/** What a service may grow by under the burst, in MiB. */
const GROWTH_MIB_MAX = 256
const CHECK_MS = 250
/** What a caller may be told: each says that the same request may be sent again. */
const REFUSALS = ['overloaded', 'unavailable', 'rate_limited', 'deadline_exceeded']

export const databaseSlow: Fault = {
  id: 'F24',
  title: 'PostgreSQL answers after 5 s, then lets one connection in',
  needs: ({ linux }) => (linux ? undefined : 'only Linux tells how much memory another process has'),
  async run(trial) {
    const { mesh, name } = trial
    {
      await using proxies = await throughProxies(trial, WORKING, { patient: true })
      const begun = await databaseTime(trial)
      proxies.database.set({ delayMs: SLOW_MS })
      await underLoad(trial, () => sleep(SLOW_FOR_MS))
      assert.deepEqual(await leasesLostSince(trial, begun), [], 'late answers have cost live attempts their leases')
      proxies.database.set({ delayMs: 0 })
      const live = commandEffect(mesh, name('live'), LIVE_SECONDS)
      const reply = askFor(mesh, live)
      await until(() => existsSync(join(mesh.workspace, `${live.name}.runs`)), { what: 'the attempt that lives on' })
      proxies.database.set({ delayMs: LATE_MS })
      await boundedly(trial, async () => {
        await burst(trial)
        await sleep(LATE_AFTER_BURST_MS)
      })
      proxies.database.set({ delayMs: 0 })
      // Taken over or not: an attempt whose lease ends ends first.
      await assertDoneOnce(live, await reply)
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
  const check = (): void => {
    for (const [service, mib] of Object.entries(residentOf(mesh))) most[service] = Math.max(most[service] ?? 0, mib)
  }
  const looking = setInterval(check, CHECK_MS)
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
  let refused = 0
  await Promise.all(
    Array.from({ length: BURST }, async () => {
      const { task, name: key } = fileEffect(mesh, name('burst'))
      try {
        const request = { task, idempotency_key: key, context, mode: 'background' as const }
        await mesh.client.call(requestExecution, request, { timeoutMs: BURST_MS })
      } catch (error) {
        assert.ok(error instanceof DeedError && REFUSALS.includes(error.code), `a caller was told: ${error}`)
        assert.ok(error.retryable, `${error.code} is said to be final`)
        refused++
      }
    }),
  )
  assert.ok(refused > 0, `all of ${BURST} requests were taken by a database that takes 5 s for each`)
}

const databaseTime = async ({ mesh }: Trial): Promise<string> => {
  const { rows } = await mesh.database.query<{ now: string }>('select now()::text as now')
  return rows[0]?.now ?? ''
}

const leasesLostSince = async ({ mesh }: Trial, since: string): Promise<unknown[]> => {
  const { rows } = await mesh.database.query(
    `select execution_id, task_id, data from orchestrator.audit_log where type = 'task.lease_lost' and at > $1`,
    [since],
  )
  return rows
}
