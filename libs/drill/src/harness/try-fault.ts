/** Tries one fault: injects it, heals it, and judges the outcome. */
import { checkInvariants } from './check-invariants.ts'
import type { Fault, Trial } from './fault.ts'
import type { FaultMesh } from './fault-mesh.ts'
import type { Random } from './random.ts'

/** `held`, `broken: <what>`, or `skipped: <why>`. */
export type Verdict = 'held' | `broken: ${string}` | `skipped: ${string}`

/** @param id of the fault; the names of the trial are made from it */
export function trialOn(mesh: FaultMesh, random: Random, id: string): Trial {
  let count = 0
  return { mesh, random, name: (stem) => `${stem}-${id.toLowerCase()}-${++count}` }
}

/** Never throws: what went wrong is in the verdict. */
export async function tryFault(fault: Fault, trial: Trial): Promise<Verdict> {
  const failures: unknown[] = []
  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  await attempt(() => fault.run(trial))
  // Healed in any case, so that the next fault meets a whole mesh.
  await attempt(() => trial.mesh.heal())
  await attempt(() => checkInvariants(trial.mesh.database))
  return failures.length === 0 ? 'held' : `broken: ${failures.map(wordsOf).join('; ')}`
}

function wordsOf(failure: unknown): string {
  const { message, cause } = failure instanceof Error ? failure : new Error(String(failure))
  const first = message.split('\n').slice(0, 3).join(' ')
  return cause instanceof Error ? `${first} (${cause.message})` : first
}
