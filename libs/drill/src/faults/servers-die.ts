/** The servers beneath the mesh die and come back, and services are stopped and started, all under load. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '@deed/proto/contract'
import type { Fault } from '../harness/fault.ts'
import { underLoad } from '../harness/under-load.ts'

const KILLS = 3

const killed = (id: Fault['id'], server: 'nats' | 'postgres'): Fault => ({
  id,
  title: `${server === 'nats' ? 'NATS' : 'PostgreSQL'} is killed under load, ${KILLS} times`,
  run: (trial) =>
    underLoad(trial, async () => {
      const running = trial.mesh.mesh[server]
      if (!running) throw new Error(`the ${server} of this mesh is not the drill's own`)
      for (let count = 0; count < KILLS; count++) {
        await sleep(trial.random.between(200, 900))
        await running.kill()
        await sleep(trial.random.between(0, 500))
        await running.start()
      }
    }),
})

export const serversDie: readonly Fault[] = [
  killed('F16', 'nats'),
  killed('F21', 'postgres'),
  {
    id: 'F38',
    title: 'each service is stopped and started under load',
    run: (trial) =>
      underLoad(trial, async () => {
        for (const name of SERVICES) {
          const service = trial.mesh.mesh.service(name)
          const code = await service.stop()
          await service.start()
          assert.equal(code, 0, `the ${name} ended with ${code}`)
        }
      }),
  },
]
