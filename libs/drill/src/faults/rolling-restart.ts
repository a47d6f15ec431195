/** Each service is restarted in turn while work continues. */
import assert from 'node:assert/strict'
import { until } from '@deed/process/until'
import { SERVICES } from '@deed/proto/contract'
import type { Fault } from '../harness/fault.ts'
import type { FaultMesh } from '../harness/fault-mesh.ts'
import { underLoad } from '../harness/under-load.ts'

/** Accepted between two steps, so that each of them meets work. */
const BETWEEN = 4

/** A service hands over to a second one of it; that one ends before the first is back, so that for a while there is none. */
export const rollingRestart: Fault = {
  id: 'F40',
  title: 'each service is restarted in turn, under load',
  async run(trial) {
    const { mesh } = trial
    await underLoad(trial, async () => {
      // The console has one port, which two cannot have at once.
      for (const name of SERVICES.filter((name) => name !== 'console')) {
        const service = mesh.mesh.service(name)
        const second = await mesh.another(name)
        await moreAccepted(mesh)
        assert.equal(await service.stop(), 0, `the ${name} did not end in order`)
        await moreAccepted(mesh)
        assert.equal(await second.stop(), 0, `the second ${name} did not end in order`)
        await service.start()
        await moreAccepted(mesh)
      }
    })
  },
}

async function moreAccepted({ database }: FaultMesh): Promise<void> {
  const accepted = async (): Promise<number> => {
    const { rows } = await database.query<{ count: number }>('select count(*)::int from orchestrator.executions')
    return rows[0]?.count ?? 0
  }
  const before = await accepted()
  await until(async () => (await accepted()) >= before + BETWEEN, { what: 'work while a service is restarted' })
}
