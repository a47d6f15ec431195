/** Orchestrators die: what one had promised is kept by the next, or by another beside it. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { readPayload } from '@deed/mesh/read-payload'
import { until } from '@deed/process/until'
import { type Alert, alert } from '@deed/proto/alert'
import { requestExecution } from '@deed/proto/execution'
import { BACK_ALERT, SILENT_ALERT } from '@deed/worker/notice-silence'
import { askFor, assertDoneOnce, fileEffect } from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'

/** Two replicas take turns by chance. */
const REQUESTS_MAX = 60
/** Longer than a lease. */
const AWAY_MS = 4_000

export const orchestratorDies: readonly Fault[] = [
  diesAlone('F10', 'orchestrator dies between the plan and handing it out', [
    'before_planned',
    'after_planned',
    'before_publish',
  ]),
  diesAlone('F11', 'orchestrator dies after handing out, before it has recorded the report', [
    'before_reported',
    'after_reported',
  ]),
  {
    id: 'F12',
    title: 'orchestrator dies with an open reply',
    async run({ mesh, name }) {
      await using _other = await mesh.another('orchestrator')
      await mesh.arm('orchestrator', 'after_admit')
      const { pid } = mesh.mesh.service('orchestrator')
      for (let count = 0; mesh.mesh.service('orchestrator').pid === pid; count++) {
        if (count === REQUESTS_MAX) throw new Error('the armed orchestrator takes no requests')
        const effect = fileEffect(mesh, name('open-reply'))
        // Asked once: a live replica answers instead of the dead one.
        const request = { task: effect.task, idempotency_key: effect.name }
        await assertDoneOnce(effect, await mesh.client.call(requestExecution, request))
      }
    },
  },
  {
    id: 'F13',
    title: 'every orchestrator dies, and for a while nobody comes back',
    async run({ mesh, name }) {
      const { nc } = mesh.client
      const heard: Alert[] = []
      const listening = nc.subscribe('alerts.>', {
        callback(error, msg) {
          const raised = readPayload(alert, error, msg)
          if (raised) heard.push(raised)
        },
      })
      const idsOf = (wanted: string) => new Set(heard.filter((one) => one.name === wanted).map((one) => one.alert_id))
      // There are several who could tell.
      await using _other = await mesh.another('executor')
      const effects = Array.from({ length: 10 }, () => fileEffect(mesh, name('leaderless')))
      const asked = effects.map((effect) => askFor(mesh, effect))
      await mesh.mesh.service('orchestrator').kill()
      await until(() => idsOf(SILENT_ALERT).size > 0, { what: 'the alert that nobody is there', timeoutMs: 30_000 })
      await sleep(AWAY_MS)
      await mesh.heal()
      const replies = await Promise.all(asked)
      for (const [index, reply] of replies.entries()) await assertDoneOnce(effects[index]!, reply)
      await until(() => idsOf(BACK_ALERT).size > 0, { what: 'the word that somebody is there again' })
      listening.unsubscribe()
      assert.deepEqual(
        [idsOf(SILENT_ALERT).size, idsOf(BACK_ALERT).size],
        [1, 1],
        'one absence was reported as several',
      )
      // The orchestrator that came back has both, to be sent to the webhooks.
      const delivered = await until(
        async () => {
          const { rows } = await mesh.database.query<{ name: string }>(
            `select alert ->> 'name' as name from orchestrator.alerts
              where alert_id = any($1) and delivered_at is not null`,
            [[...idsOf(SILENT_ALERT), ...idsOf(BACK_ALERT)]],
          )
          return rows.length === 2 ? rows : undefined
        },
        { what: 'the delivery of both alerts' },
      )
      assert.deepEqual(delivered.map((row) => row.name).sort(), [SILENT_ALERT, BACK_ALERT])
    },
  },
  {
    id: 'F14',
    title: 'three orchestrators, each frozen in turn',
    async run({ mesh, name, random }) {
      await using second = await mesh.another('orchestrator')
      await using third = await mesh.another('orchestrator')
      const pids = [mesh.mesh.service('orchestrator'), second, third].map(({ pid }) => pid ?? 0)
      const effects = Array.from({ length: 20 }, () => fileEffect(mesh, name('contended')))
      const replies = Promise.all(effects.map((effect) => askFor(mesh, effect)))
      for (let round = 0; round < 3; round++) {
        const pid = random.pick(pids)
        process.kill(pid, 'SIGSTOP')
        await sleep(AWAY_MS)
        process.kill(pid, 'SIGCONT')
      }
      for (const [index, reply] of (await replies).entries()) await assertDoneOnce(effects[index]!, reply)
      // That no two leases of a task overlap, and that tokens rise, is among the invariants.
      assert.ok(pids.every((pid) => pid > 0))
    },
  },
]

function diesAlone(id: Fault['id'], title: string, points: readonly string[]): Fault {
  return {
    id,
    title,
    async run({ mesh, name }) {
      for (const point of points) {
        const effect = fileEffect(mesh, name(point))
        await mesh.arm('orchestrator', point)
        const reply = askFor(mesh, effect)
        await mesh.revive('orchestrator')
        await assertDoneOnce(effect, await reply)
      }
    },
  }
}
