/** Messages are lost, come twice and in another order, and what keeps them is deleted. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectBus } from '@deed/mesh/bus'
import { ensureIntake, INTAKE_CONSUMER } from '@deed/mesh/work-queue'
import { intakeStream } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import type { Fault, Trial } from '../fault.ts'
import { throughProxies } from '../through-proxies.ts'
import { underLoad } from '../under-load.ts'

const LOSING_MS = 6_000
const LOSE_EVERY_MS = 25
const REPEATING_MS = 4_000
const REPEAT_AFTER_MS_MAX = 1_500
const ABSENT_MS = 1_000

/** Says that a message is a repeat, so that it is not repeated again. */
const REPEAT_HEADER = 'Drill-Repeat'

export const messages: readonly Fault[] = [
  {
    id: 'F15',
    title: 'every event is lost, and work that was handed out again and again',
    async run(trial) {
      const { nc } = trial.mesh.client
      let told = 0
      await using _proxies = await throughProxies(trial, ['orchestrator'], { lost: isEvent })
      const events = nc.subscribe('event.>', { callback: () => void told++ })
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
      assert.equal(told, 0, 'events came through')
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
      const { nc } = trial.mesh.client
      const repeated = ['work.>', 'task.report', 'task.report.>'].map((subject) =>
        nc.subscribe(subject, {
          callback: (_, message) => {
            if (message.headers?.has(REPEAT_HEADER)) return
            const headers = message.headers
            headers?.set(REPEAT_HEADER, '1')
            // Its id would have it taken for what it is.
            headers?.delete('Nats-Msg-Id')
            const again = () => nc.publish(message.subject, message.data, headers ? { headers } : {})
            setTimeout(again, trial.random.between(0, REPEAT_AFTER_MS_MAX)).unref()
          },
        }),
      )
      try {
        await underLoad(trial, () => sleep(REPEATING_MS))
        await sleep(REPEAT_AFTER_MS_MAX)
      } finally {
        for (const subscription of repeated) subscription.unsubscribe()
      }
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
