/** Orchestrators die: what one had promised is kept by the next, or by another beside it. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestExecution } from '@deed/proto/execution'
import { askFor, assertDoneOnce, fileEffect } from '../effects.ts'
import type { Fault } from '../fault.ts'

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
        // Asked once: whoever lives answers where the dead one was asked.
        const request = { task: effect.task, idempotency_key: effect.name }
        await assertDoneOnce(effect, await mesh.client.call(requestExecution, request))
      }
    },
  },
  {
    id: 'F13',
    title: 'every orchestrator dies',
    async run({ mesh, name }) {
      const effects = Array.from({ length: 10 }, () => fileEffect(mesh, name('leaderless')))
      const replies = effects.map((effect) => askFor(mesh, effect))
      await mesh.mesh.service('orchestrator').kill()
      await sleep(AWAY_MS)
      await mesh.heal()
      for (const [index, reply] of (await Promise.all(replies)).entries()) await assertDoneOnce(effects[index]!, reply)
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
