/** The disk answers with an error when data are to be made durable: nothing is acknowledged that is not. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../harness/fault.ts'
import { firstMissing } from '../harness/machine.ts'
import { underLoad } from '../harness/under-load.ts'

const FAILING_MS = 1_500
const CALLS = 'fsync,fdatasync'

export const diskErrors: Fault = {
  id: 'F31',
  title: 'fsync fails, of NATS and of PostgreSQL',
  needs: ({ root, linux, has }) =>
    firstMissing(
      [root && linux, 'only root can make the calls of another process fail'],
      [has('strace'), 'there is no strace, which makes a call fail'],
    ),
  run: (trial) =>
    underLoad(trial, async () => {
      const { nats, postgres } = trial.mesh.mesh
      for (const server of [nats, postgres]) {
        if (!server) throw new Error("the servers of this mesh are not the drill's own")
        await sleep(500)
        await failing(server.pid)
        // A server that has met such an error trusts its files again only once it has read them again.
        await server.kill()
        await server.start()
      }
    }),
}

async function failing(pid: number): Promise<void> {
  const targets = [pid, ...childrenOf(pid)].flatMap((one) => ['-p', String(one)])
  const inject = ['-e', `trace=${CALLS}`, '-e', `inject=${CALLS}:error=EIO`]
  const tracer: ChildProcess = spawn('strace', ['-f', '-qq', '-o', '/dev/null', ...inject, ...targets], {
    stdio: 'ignore',
  })
  await sleep(FAILING_MS)
  if (tracer.exitCode !== null) return
  tracer.kill('SIGTERM')
  await once(tracer, 'exit')
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        // The name in parentheses may hold anything; behind it come the state and the parent.
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      } catch {
        return false
      }
    })
}
