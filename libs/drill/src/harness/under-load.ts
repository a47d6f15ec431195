/** A little load, during which something happens: everything that was asked for has to be done, once. */
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { ask } from './ask.ts'
import { askFor, assertDoneOnce, type CountedEffect, fileEffect, requestEffect } from './effects.ts'
import type { Trial } from './fault.ts'

const LANES = 4
const EACH_LANE_MIN = 2
const SUBMITS = 5

/**
 * Asks without a pause until `disturb` has ended, and a few times more.
 *
 * @throws where something that was asked for or acknowledged is not done, or was done twice
 */
export async function underLoad({ mesh, name }: Trial, disturb: () => Promise<void>): Promise<void> {
  let disturbing = true
  const submitted: CountedEffect[] = []
  const lane = async (number: number): Promise<void> => {
    for (let left = EACH_LANE_MIN; disturbing || left > 0; left -= disturbing ? 0 : 1) {
      const effect = (number % 2 === 0 ? fileEffect : requestEffect)(mesh, name('load'))
      await assertDoneOnce(effect, await askFor(mesh, effect))
    }
  }
  const lanes = Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
  // Observed at its place below; a failure before that ends the disturbance, not the process.
  lanes.catch(() => undefined)
  for (let count = 0; count < SUBMITS; count++) {
    const effect = fileEffect(mesh, name('submitted'))
    const body = JSON.stringify({ task: effect.task, idempotency_key: effect.name })
    await mesh.client.nc.jetstream().publish(SUBMIT_SUBJECT, body)
    submitted.push(effect)
  }
  try {
    await disturb()
  } finally {
    disturbing = false
  }
  await lanes
  for (const effect of submitted) {
    // The same request under the same key attaches to what was submitted.
    await assertDoneOnce(effect, await ask(mesh.client, { task: effect.task, idempotency_key: effect.name }))
  }
}
