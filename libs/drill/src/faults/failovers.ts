/** A server of a NATS cluster and the primary of PostgreSQL die under load, and others take over. No service is restarted. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVICES } from '@deed/proto/contract'
import { intakeStream } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import { checkInvariants } from '../harness/check-invariants.ts'
import type { Fault, Trial } from '../harness/fault.ts'
import { faultMesh } from '../harness/fault-mesh.ts'
import type { Setting } from '../harness/mesh-under-test.ts'
import { natsCluster, SERVERS } from '../harness/nats-cluster.ts'
import { postgresPair } from '../harness/postgres-standby.ts'
import { underLoad } from '../harness/under-load.ts'

export const failovers: readonly Fault[] = [
  {
    id: 'F48',
    title: 'the leaders of the streams of a NATS cluster are killed under load, one after the other',
    async run(trial) {
      await using cluster = await natsCluster()
      const { url: natsUrl, env } = cluster
      await survive(trial, { natsUrl, env, streams: SERVERS }, async () => {
        for (const stream of [intakeStream(LOCAL.tenant), 'WORK']) {
          await sleep(trial.random.between(200, 900))
          await cluster.killLeaderOf(stream)
          await sleep(trial.random.between(1_000, 3_000))
          cluster.revive()
          await sleep(trial.random.between(3_000, 5_000))
        }
      })
    },
  },
  {
    id: 'F49',
    title: 'the primary of PostgreSQL is killed under load, and its synchronous standby is promoted',
    async run(trial) {
      await using pair = await postgresPair(trial.random.next)
      await survive(trial, { databaseUrl: pair.url }, async () => {
        await sleep(trial.random.between(200, 900))
        await pair.failOver()
      })
    },
  },
]

/** A mesh of its own on the servers: everything that was asked for is done, once, and by the same processes. */
async function survive(
  trial: Trial,
  { streams = 1, ...setting }: Setting & { streams?: number },
  disturb: () => Promise<void>,
): Promise<void> {
  await using mesh = await faultMesh({ ...setting, config: `streams: { replicas: ${streams} }\n` })
  const pids = () => SERVICES.map((name) => mesh.mesh.service(name).pid)
  const before = pids()
  await underLoad({ ...trial, mesh }, disturb)
  assert.deepEqual(pids(), before, 'a service was restarted')
  await checkInvariants(mesh.database)
}
