/** A service that is a container, through the `docker` client. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kinds/kind.ts'
import { runClient } from './client-program.ts'
import type { ServiceProvider } from './service-provider.ts'

const STOP_SECONDS = 10
const NO_SUCH = 1
/** How long a health check of the container's own may take to say how it is. */
const STARTING_MS_MAX = 60_000
const POLL_MS = 500

interface Inspected {
  State: { Running: boolean; Pid: number; StartedAt: string; Status: string; Health?: { Status: string } }
}

export function dockerContainer(
  world: World,
  { container, environment }: Extract<Target, { type: 'docker' }>,
): ServiceProvider {
  const docker = (args: string[], signal: AbortSignal, codes?: number[]) =>
    runClient(world, 'docker', args, signal, codes)
  const inspect = async (signal: AbortSignal): Promise<Inspected['State']> => {
    const { code, stdout, stderr } = await docker(['container', 'inspect', '--', container], signal, [0, NO_SUCH])
    if (code === NO_SUCH && /no such (?:container|object)/i.test(stderr))
      throw new DeedError('not_found', `docker has no container ${container}`)
    if (code === NO_SUCH) throw new DeedError('unavailable', `docker: ${stderr.trim().slice(0, 1_000)}`)
    const [inspected] = JSON.parse(stdout) as Inspected[]
    return inspected!.State
  }
  return {
    environment,
    async state(signal) {
      const { Running, Pid, StartedAt, Health } = await inspect(signal)
      if (!Running) return {}
      const running = {
        state: `running:${Pid}:${StartedAt}`,
        text: `container ${container} (process ${Pid})`,
        pid: Pid,
      }
      if (!Health || Health.Status === 'none') return { running }
      return { running, health: { ok: Health.Status === 'healthy', text: `docker says it is ${Health.Status}` } }
    },
    async start(signal) {
      await docker(['container', 'start', '--', container], signal)
      const until = performance.now() + STARTING_MS_MAX
      while (performance.now() < until && !signal.aborted && (await inspect(signal)).Health?.Status === 'starting')
        await sleep(POLL_MS)
    },
    async stop(signal) {
      await docker(['container', 'stop', '-t', String(STOP_SECONDS), '--', container], signal)
    },
  }
}
