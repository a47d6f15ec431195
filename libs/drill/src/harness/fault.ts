/** A fault of the drill: how to inject it, and what must hold in spite of it. */
import type { FaultMesh } from './fault-mesh.ts'
import type { Machine } from './machine.ts'
import type { Random } from './random.ts'

export type FaultId = `F${number}`

export interface Trial {
  /** A mesh that is whole when the trial begins, and is healed after it. Its leases last 3 s. */
  readonly mesh: FaultMesh
  readonly random: Random
  /** A name that nothing else in the drill has: for files, and as a key. */
  name(stem: string): string
}

export interface Fault {
  readonly id: FaultId
  /** What happens, in a few words. */
  readonly title: string
  /** @returns why this machine cannot inject it; `undefined` when it can */
  needs?(machine: Machine): string | undefined
  /**
   * Injects it, and checks that everything holds. The invariants over all tables are checked afterwards.
   *
   * @throws naming what did not hold
   */
  run(trial: Trial): Promise<void>
}
