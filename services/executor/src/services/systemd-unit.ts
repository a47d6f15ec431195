/** A service that is a unit of systemd, through `systemctl`; only where systemd really runs the host. */
import { existsSync } from 'node:fs'
import type { Target } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kinds/kind.ts'
import { runClient } from './client-program.ts'
import type { ServiceProvider } from './service-provider.ts'

/** What sd_booted(3) looks at. */
const BOOTED = '/run/systemd/system'

export function systemdUnit(
  world: World,
  { unit, environment }: Extract<Target, { type: 'systemd' }>,
): ServiceProvider {
  if (!existsSync(BOOTED)) throw new DeedError('unavailable', 'systemd does not run this host')
  const systemctl = (args: string[], signal: AbortSignal) =>
    runClient(world, 'systemctl', ['--no-pager', ...args], signal)
  return {
    environment,
    async state(signal) {
      const { stdout } = await systemctl(
        ['show', '--property=LoadState,ActiveState,SubState,MainPID,InvocationID', '--', unit],
        signal,
      )
      const shown = Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2)))
      if (shown.LoadState !== 'loaded') throw new DeedError('not_found', `systemd has no unit ${unit}`)
      if (shown.ActiveState === 'inactive' || shown.ActiveState === 'failed') return {}
      const pid = Number(shown.MainPID)
      return {
        // A new start is a new invocation, also of a unit without a process.
        running: { state: `running:${pid}:${shown.InvocationID}`, text: `${unit} (process ${pid})`, pid },
        health: {
          ok: shown.ActiveState === 'active',
          text: `systemd says it is ${shown.ActiveState} (${shown.SubState})`,
        },
      }
    },
    async start(signal) {
      await systemctl(['start', '--', unit], signal)
    },
    async stop(signal) {
      await systemctl(['stop', '--', unit], signal)
    },
  }
}
