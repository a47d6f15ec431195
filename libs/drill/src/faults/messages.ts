/** Messages are lost, come twice and in another order, and what keeps them is deleted. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectBus } from '@deed/mesh/bus'
import { ensureIntake, INTAKE_CONSUMER } from '@deed/mesh/work-queue'
import { intakeStream } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import type { Fault, Trial } from '../harness/fault.ts'
import { REPEAT_AFTER_MS_MAX, repeatMessages } from '../harness/repeat-messages.ts'
import { throughProxies } from '../harness/through-proxies.ts'
import { underLoad } from '../harness/under-load.ts'

const LOSING_MS = 6_000
const LOSE_EVERY_MS = 25
const REPEATING_MS = 4_000
const ABSENT_MS = 1_000

export const messages: readonly Fault[] = [
  {
    id: 'F15',
    title: 'every event is lost, and work that was handed out again and again',
    async run(trial) {
      const { nc } = trial.mesh.client
      let received = 0
      await using _proxies = await throughProxies(trial, ['orchestrator'], { lost: isEvent })
      const events = nc.subscribe('event.>', { callback: () => void received++ })
      try {
        await underLoad(trial, async () => {
          const manager = await nc.jetstreamManager()
          for (const end = performance.now() + LOSING_MS; performance.now() < end; await sleep(LOSE_EVERY_MS)) {
            await manager.streams.purge('WORK')
          }
        })
      } finally {
        events.unsubscribe()
      }
      assert.equal(received, 0, 'events came through')
      await trial.mesh.heal()
    },
  },
  {
    id: 'F19',
    title: 'the work queue, its consumer and that of the intake are deleted under load',
    run: (trial) =>
      underLoad(trial, async () => {
        const manager = await trial.mesh.client.nc.jetstreamManager()
        const intake = intakeStream(LOCAL.tenant)
        await sleep(ABSENT_MS)
        await manager.streams.delete('WORK')
        await sleep(ABSENT_MS)
        await manager.consumers.delete('WORK', 'executor').catch(() => undefined)
        await sleep(ABSENT_MS)
        await manager.consumers.delete(intake, INTAKE_CONSUMER)
        await sleep(ABSENT_MS)
        await installAgain(trial)
      }),
  },
  {
    id: 'F39',
    title: 'every message to and from workers comes twice, in another order',
    async run(trial) {
      using _ = repeatMessages(trial.mesh, trial.random)
      await underLoad(trial, () => sleep(REPEATING_MS))
      await sleep(REPEAT_AFTER_MS_MAX)
    },
  },
]

const isEvent = (subject: string): boolean => subject.startsWith('event.')

/** The intake is made at installation, by a user that no service has. */
async function installAgain({ mesh: { mesh } }: Trial): Promise<void> {
  const { nats_url: url, nats_user: user, nats_password: password } = mesh.connectionAs('bootstrap')
  await using bus = await connectBus({ service: 'bootstrap', url, user, password })
  await ensureIntake(bus.nc, LOCAL.tenant)
}
