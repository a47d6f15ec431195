/** Every fault that the drill knows, in the order in which they are tried. */

import { afterAll } from './faults/after-all.ts'
import { audit } from './faults/audit.ts'
import { databaseFalters } from './faults/database-falters.ts'
import { databaseSlow } from './faults/database-slow.ts'
import { diskErrors } from './faults/disk-errors.ts'
import { executorDies } from './faults/executor-dies.ts'
import { executorFreezes } from './faults/executor-freezes.ts'
import { failovers } from './faults/failovers.ts'
import { fullDisks } from './faults/full-disks.ts'
import { helpersFail } from './faults/helpers-fail.ts'
import { lossyNetwork } from './faults/lossy-network.ts'
import { messages } from './faults/messages.ts'
import { oneWay } from './faults/one-way.ts'
import { orchestratorDies } from './faults/orchestrator-dies.ts'
import { people } from './faults/people.ts'
import { poison } from './faults/poison.ts'
import { powerCuts } from './faults/power-cuts.ts'
import { rollingRestart } from './faults/rolling-restart.ts'
import { serversDie } from './faults/servers-die.ts'
import { undoing } from './faults/undoing.ts'
import { versions } from './faults/versions.ts'
import { worldLies } from './faults/world-lies.ts'
import type { Fault } from './harness/fault.ts'

export const FAULTS: readonly Fault[] = [
  ...executorDies,
  ...executorFreezes,
  ...orchestratorDies,
  ...messages,
  poison,
  ...serversDie,
  ...failovers,
  oneWay,
  lossyNetwork,
  ...databaseFalters,
  databaseSlow,
  ...powerCuts,
  fullDisks,
  diskErrors,
  ...worldLies,
  undoing,
  ...people,
  ...helpersFail,
  versions,
  rollingRestart,
  audit,
  afterAll,
].sort((one, other) => one.id.localeCompare(other.id))
