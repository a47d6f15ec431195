/** The network between services and servers is slow, loses what is sent, or carries it in one direction only. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceName } from '@deed/proto/contract'
import type { Fault, Trial } from '../fault.ts'
import { throughProxies } from '../through-proxies.ts'
import { underLoad } from '../under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
/** Longer than a lease. */
const SILENT_MS = 4_500
const SLOW_MS = 10_000

export const network: readonly Fault[] = [
  {
    id: 'F24',
    title: 'PostgreSQL answers late, then hardly lets anybody in',
    async run(trial) {
      const { mesh } = trial
      const begun = await databaseTime(trial)
      {
        await using proxies = await throughProxies(trial, WORKING, { patient: true })
        proxies.database.set({ delayMs: 250 })
        await underLoad(trial, () => sleep(SLOW_MS))
        assert.deepEqual(await leasesLostSince(trial, begun), [], 'late answers have cost live attempts their leases')
        await mesh.heal()
      }
      const limit = (connections: number) =>
        mesh.database.query(`alter role deed_orchestrator connection limit ${connections}`)
      try {
        await limit(1)
        await mesh.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'deed_orchestrator'`,
        )
        await underLoad(trial, () => sleep(SILENT_MS))
      } finally {
        await limit(-1)
      }
    },
  },
  {
    id: 'F27',
    title: 'NATS is reached in one direction only',
    async run(trial) {
      for (const service of WORKING) {
        await using proxies = await throughProxies(trial, [service])
        await underLoad(trial, async () => {
          for (const silent of ['to_server', 'to_client'] as const) {
            await sleep(500)
            proxies.nats.set({ silent })
            await sleep(SILENT_MS)
            proxies.nats.set({ silent: 'none' })
          }
        })
        await trial.mesh.heal()
      }
    },
  },
  {
    id: 'F29',
    title: 'a third of the packets lost, 200 ms away, 64 kbit/s',
    async run(trial) {
      await using proxies = await throughProxies(trial, WORKING, { patient: true })
      proxies.nats.set({ delayMs: 100, lossPart: 0.3, bytesPerSecond: 8_000 })
      proxies.database.set({ delayMs: 100, lossPart: 0.3 })
      await underLoad(trial, () => sleep(SLOW_MS))
      await trial.mesh.heal()
    },
  },
]

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
