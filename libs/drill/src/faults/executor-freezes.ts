/** An executor is frozen for longer than its lease, and continues as if nothing had happened. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import {
  askFor,
  assertDoneOnce,
  type CountedEffect,
  commandEffect,
  fileEffect,
  requestEffect,
} from '../harness/effects.ts'
import type { Fault } from '../harness/fault.ts'
import type { FaultMesh } from '../harness/fault-mesh.ts'

const ends = (line: string, pid: number) => line.includes(`:${pid}"`) && line.includes('attempt ended')

export const executorFreezes: readonly Fault[] = [
  {
    id: 'F07',
    title: 'executor is frozen past its lease before an effect',
    needs: ({ linux }) => (linux ? undefined : 'only Linux shows that a process is frozen'),
    async run({ mesh, name }) {
      for (const effectOn of [fileEffect, requestEffect]) {
        const effect = effectOn(mesh, name('frozen'))
        await mesh.arm('executor', 'after_intent:1:SIGSTOP')
        await outlived(mesh, effect, () => hasStopped(mesh))
      }
    },
  },
  {
    id: 'F08',
    title: 'executor is frozen in the middle of an effect',
    async run({ mesh, name }) {
      const effect = commandEffect(mesh, name('frozen'), 2)
      await outlived(mesh, effect, () => {
        if (!existsSync(join(mesh.workspace, `${effect.name}.runs`))) return false
        process.kill(mesh.mesh.service('executor').pid ?? 0, 'SIGSTOP')
        return true
      })
    },
  },
]

/** Another executor does the work meanwhile; the first one wakes up to find its time over, and changes nothing. */
async function outlived(mesh: FaultMesh, effect: CountedEffect, frozen: () => boolean): Promise<void> {
  const reply = askFor(mesh, effect)
  await until(frozen, { what: 'the frozen executor' })
  const { pid } = mesh.mesh.service('executor')
  if (pid === undefined) throw new Error('the executor has died')
  await using _other = await mesh.another('executor')
  await assertDoneOnce(effect, await reply)
  const before = await mesh.database.query('select * from orchestrator.actual_state order by task_id')
  process.kill(pid, 'SIGCONT')
  await until(
    () =>
      mesh
        .log('executor')
        .split('\n')
        .some((line) => ends(line, pid)),
    { what: 'the end of the frozen attempt' },
  )
  assert.equal(effect.count(), 1, `${effect.name} happened again once the frozen executor had woken up`)
  const after = await mesh.database.query('select * from orchestrator.actual_state order by task_id')
  assert.deepEqual(after.rows, before.rows, 'the late report has changed something')
}

function hasStopped(mesh: FaultMesh): boolean {
  const { pid } = mesh.mesh.service('executor')
  if (pid === undefined) return false
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold anything; the state is the field behind it.
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
}
