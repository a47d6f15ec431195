/** A service that is a unit of systemd, through `systemctl`. */

import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import { z } from 'zod'
import type { World } from '../kind/kind.ts'
import { parseAnswer, runClient } from './client-program.ts'
import { LINES_READ_MAX, type LogLine } from './log-lines.ts'
import type { ServiceProvider, ServiceState } from './service-provider.ts'

const PROPERTIES = [
  ...['LoadState', 'ActiveState', 'SubState', 'Result', 'Type', 'MainPID', 'NRestarts', 'InvocationID'],
  ...['ExecMainStatus', 'TasksCurrent', 'ActiveEnterTimestampMonotonic', 'TimeoutStopUSec'],
]
type Shown = Readonly<Record<string, string | undefined>>

export function systemdUnit(
  world: World,
  { unit, environment, stable_for }: Extract<Target, { type: 'systemd' }>,
): ServiceProvider {
  const systemctl = (args: string[], signal: AbortSignal) =>
    runClient(world, 'systemctl', ['--no-pager', ...args], signal)
  const show = async (signal: AbortSignal): Promise<Shown> => {
    const { stdout } = await systemctl(['show', `--property=${PROPERTIES.join(',')}`, '--', unit], signal)
    return Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]))
  }
  return {
    environment,
    stableForMs: stable_for,
    stopsBy: 'is stopped as its unit says: SIGTERM, then SIGKILL after its TimeoutStopSec',
    state: async (signal) => stateOf(unit, await show(signal)),
    async logs(from, signal) {
      const since = from === undefined ? [] : [`--since=@${Math.floor(from / 1_000)}`]
      const args = ['--no-pager', '--output=json', '--all', `--lines=${LINES_READ_MAX}`, ...since, `--unit=${unit}`]
      const { stdout, stderr } = await runClient(world, 'journalctl', args, signal)
      const lines = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map(entryOf)
      if (lines.length === 0 && /not seeing messages|No journal files were (?:found|opened)/.test(stderr))
        throw new DeedError('unavailable', `the journal of ${unit} cannot be read: ${stderr.trim().slice(0, 500)}`)
      return lines
    },
    async start(signal) {
      await systemctl(['start', '--', unit], signal)
    },
    async stop(signal) {
      await systemctl(['stop', '--', unit], signal)
      const { Result, TimeoutStopUSec } = await show(signal)
      return Result === 'timeout' ? `ended by SIGKILL after ${TimeoutStopUSec}` : undefined
    },
  }
}

const Entry = z.object({
  /** Of what is not text, journalctl gives the bytes. */
  MESSAGE: z.union([z.string(), z.array(z.int().min(0).max(255)), z.null()]).default(''),
  /** In microseconds since 1970. */
  __REALTIME_TIMESTAMP: z.string().regex(/^\d+$/),
})

function entryOf(line: string): LogLine {
  const { MESSAGE: message, __REALTIME_TIMESTAMP: at } = parseAnswer('journalctl', Entry, line)
  const text = typeof message === 'string' ? message : Buffer.from(message ?? []).toString()
  return { at: Number(at) / 1_000, text }
}

/** @throws {DeedError} `not_found`; `unavailable` when the answer does not say what state it is in */
function stateOf(unit: string, shown: Shown): ServiceState {
  const { LoadState, ActiveState, SubState, Result, InvocationID, ExecMainStatus } = shown
  if (LoadState === undefined || ActiveState === undefined || SubState === undefined)
    throw new DeedError('unavailable', `systemctl does not say what state ${unit} is in`)
  if (LoadState !== 'loaded') throw new DeedError('not_found', `systemd has no unit ${unit}: it is ${LoadState}`)
  const tasks = numberOf(shown.TasksCurrent) ?? 0
  if ((ActiveState === 'inactive' || ActiveState === 'failed') && tasks === 0) {
    if (ActiveState === 'inactive' && (Result ?? 'success') === 'success') return {}
    const text = `systemd says it is ${ActiveState} (${Result}), with exit status ${ExecMainStatus}`
    return { ended: { text, killed: Result === 'timeout' || ExecMainStatus === '9' } }
  }
  const pid = numberOf(shown.MainPID) ?? 0
  const restarts = numberOf(shown.NRestarts)
  const entered = numberOf(shown.ActiveEnterTimestampMonotonic)
  const doubts = doubtsOf(shown, pid)
  return {
    // A new start is a new invocation, also of a unit without a process.
    running: {
      state: `running:${pid}:${InvocationID}`,
      text: `${unit} (process ${pid})`,
      pid,
      ...defined({ restarts }),
      // The monotonic clock, in microseconds, as that of Node.
      ...(entered ? { ageMs: Number(process.hrtime.bigint() / 1_000_000n) - entered / 1_000 } : {}),
    },
    health: {
      ok: doubts.length === 0,
      text: [`systemd says it is ${ActiveState} (${SubState})`, ...doubts].join('; '),
    },
  }
}

/** Each thing of the answer that says that it does not really run. */
function doubtsOf({ ActiveState, SubState, Result, Type, TasksCurrent }: Shown, pid: number): string[] {
  // Sockets, timers and the like have no type and no process.
  const isService = Type !== undefined && Type !== ''
  const isOver = isService && SubState === 'exited'
  return [
    ...(ActiveState === 'active' ? [] : ['that is not active']),
    ...(Result === undefined || Result === 'success' ? [] : [`its result is ${Result}`]),
    ...(ActiveState === 'inactive' || ActiveState === 'failed' ? [`${TasksCurrent} processes of it are left`] : []),
    ...(isOver && Type !== 'oneshot' ? ['its process has ended'] : []),
    ...(isService && !isOver && pid === 0 ? ['it has no main process'] : []),
  ]
}

/** @returns `undefined` where systemd has none, which it writes in words */
const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
