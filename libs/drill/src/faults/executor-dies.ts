/** An executor dies at each of its steps, with each sort of effect: the one that follows finds out what was done. */
import assert from 'node:assert/strict'
import type { ExecutionId } from '@deed/proto/ids'
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

type Effect = (mesh: FaultMesh, name: string) => CountedEffect

export const executorDies: readonly Fault[] = [
  dies('F01', 'executor dies before its intent', ['before_intent', fileEffect], ['before_intent', requestEffect]),
  dies('F02', 'executor dies between intent and effect', ['after_intent', fileEffect], ['after_intent', requestEffect]),
  dies('F03', 'executor dies in the middle of an effect', ['mid_effect', fileEffect], ['mid_effect', commandEffect]),
  dies(
    'F04',
    'executor dies between effect and verification',
    ['after_effect', fileEffect],
    ['after_effect', commandEffect],
    ['after_effect', requestEffect],
  ),
  dies(
    'F05',
    'executor dies between verification and outcome',
    ['after_verification', fileEffect],
    ['after_verification', requestEffect],
  ),
  dies(
    'F06',
    'executor dies before or after its report',
    ['after_outcome', fileEffect],
    ['after_outcome', requestEffect],
    ['after_report', fileEffect],
    ['after_report', requestEffect],
  ),
]

function dies(id: Fault['id'], title: string, ...cases: readonly (readonly [point: string, effect: Effect])[]): Fault {
  return {
    id,
    title,
    async run({ mesh, name }) {
      for (const [point, effectOn] of cases) {
        const effect = effectOn(mesh, name(point))
        await mesh.arm('executor', point)
        const reply = askFor(mesh, effect)
        await mesh.revive('executor')
        const done = await reply
        await assertDoneOnce(effect, done)
        await assertOnceInLedger(mesh, done.execution_id)
      }
    },
  }
}

/** @throws unless there is one intent, under the newest token, which is the one that its outcome was reported under */
export async function assertOnceInLedger({ database }: FaultMesh, id: ExecutionId): Promise<void> {
  const { rows } = await database.query(
    `select l.intent, l.token = a.token as newest, a.actual_status from executor.actions l
       join orchestrator.actual_state a using (task_id) where l.execution_id = $1`,
    [id],
  )
  assert.deepEqual(rows, [{ intent: 'do', newest: true, actual_status: 'done' }])
}
