/** deed down: the mesh that runs on the data folder drains and stops, or what a killed one has left is ended. */
import { meshProcess } from '@deed/local/connection-file'
import type { Command } from 'commander'
import { shellOf } from '../connect/shell.ts'
import { UnreachableError } from '../terminal/exit-code.ts'

/** A service gets half a minute to finish what it has in hand. */
const STOP_MS_MAX = 90_000

export function addDown(program: Command): void {
  program
    .command('down')
    .summary('stop the mesh; its data stay')
    .description('Stop the mesh of the data folder, or what one that was killed has left. Its data\nstay.')
    .addHelpText('after', '\nExample:\n  deed down')
    .action(async (_: object, command: Command) => {
      const { dataDir, out } = shellOf(command)
      const mesh = meshProcess(dataDir)
      // It knows the servers, which no other command needs.
      const { endProcess, stopLeftovers } = await import('@deed/local/leftovers')
      if (mesh) {
        out.note(`draining the mesh of ${dataDir}`)
        using _busy = out.busy('draining')
        await endProcess(mesh, STOP_MS_MAX)
      }
      const left = await stopLeftovers(dataDir)
      if (!mesh && left.length === 0) throw new UnreachableError(`no mesh runs on ${dataDir}`)
      if (left.length > 0) out.note(`ended what a killed mesh had left: ${left.join(', ')}`)
      out.document({ status: 'stopped', pid: mesh?.pid ?? null, left, data_dir: dataDir })
      out.print('stopped')
    })
}
