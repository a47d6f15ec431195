/** The network between services and NATS carries what is sent in one direction only. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceName } from '@deed/proto/contract'
import type { Fault } from '../harness/fault.ts'
import { throughProxies } from '../harness/through-proxies.ts'
import { underLoad } from '../harness/under-load.ts'

const WORKING: readonly ServiceName[] = ['orchestrator', 'executor']
/** Longer than a lease. */
const SILENT_MS = 4_500

export const oneWay: Fault = {
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
}
