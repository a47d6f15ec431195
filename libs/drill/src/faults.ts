/** Every fault that the drill knows, in the order in which they are tried. */
import type { Fault } from './fault.ts'
import { executorDies } from './faults/executor-dies.ts'
import { executorFreezes } from './faults/executor-freezes.ts'
import { orchestratorDies } from './faults/orchestrator-dies.ts'
import { serversDie } from './faults/servers-die.ts'

export const FAULTS: readonly Fault[] = [...executorDies, ...executorFreezes, ...orchestratorDies, ...serversDie].sort(
  (one, other) => one.id.localeCompare(other.id),
)
