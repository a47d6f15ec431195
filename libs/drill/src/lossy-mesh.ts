/** A mesh in a network that loses packets: started by the drill in a network namespace, with a seed. */

import { throughLostPackets } from './faults/lossy-network.ts'
import { checkInvariants } from './harness/check-invariants.ts'
import { faultMesh } from './harness/fault-mesh.ts'
import { randomFrom } from './harness/random.ts'

try {
  await using mesh = await faultMesh()
  let count = 0
  await throughLostPackets({
    mesh,
    random: randomFrom(Number(process.argv[2])),
    name: (stem) => `${stem}-lossy-${++count}`,
  })
  await checkInvariants(mesh.database)
} catch (error) {
  // The last line is what the drill tells.
  console.error(error instanceof Error ? error.message.replaceAll('\n', ' ') : error)
  process.exitCode = 1
}
