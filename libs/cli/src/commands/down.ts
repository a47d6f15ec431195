/** deed down: the mesh that runs on the data folder drains and stops. */
import { isAlive } from '@deed/embedded/process-identity'
import { runningMesh } from '@deed/mesh/connection-file'
import { until } from '@deed/mesh/until'
import type { Command } from 'commander'
import { UnreachableError } from '../exit-code.ts'
import { shellOf } from '../shell.ts'

/** A service gets half a minute to finish what it has in hand. */
const STOP_MS_MAX = 90_000

export function addDown(program: Command): void {
  program
    .command('down')
    .description('stop the mesh that runs on the data folder; its data stay')
    .addHelpText('after', '\nExample:\n  deed down')
    .action(async (_: object, command: Command) => {
      const { dataDir, out } = shellOf(command)
      const running = runningMesh(dataDir)
      if (!running) throw new UnreachableError(`no mesh runs on ${dataDir}`)
      const { process: mesh } = running
      process.kill(mesh.pid, 'SIGTERM')
      out.note('draining')
      await until(() => !isAlive(mesh), { timeoutMs: STOP_MS_MAX, what: `the end of process ${mesh.pid}` })
      out.document({ status: 'stopped', pid: mesh.pid, data_dir: dataDir })
      out.print('stopped')
    })
}
