/** An executor dies at each of its steps, with each sort of effect: the one that follows finds out what was done. */
import { askFor, assertDoneOnce, type CountedEffect, commandEffect, fileEffect, requestEffect } from '../effects.ts'
import type { Fault } from '../fault.ts'
import type { FaultMesh } from '../fault-mesh.ts'

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
    ['after_outcome', requestEffect],
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
        await assertDoneOnce(effect, await reply)
      }
    },
  }
}
