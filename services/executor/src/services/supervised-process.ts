/**
 * Processes that Deed starts, ends and finds again: targets of type `process`.
 *
 * Each has a supervisor, which outlives the executor that started it and records which processes the service is. So
 * any executor on the host finds it, and what a dead executor left behind is not started twice.
 */
import { uptime } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kind/kind.ts'
import { endAll } from '../processes/end-tree.ts'
import { listenerAt, textOf } from '../processes/listeners.ts'
import { type RunningProcess, TICKS_PER_SECOND } from '../processes/process-table.ts'
import { reaper } from '../processes/reaper.ts'
import { probe } from './health-probe.ts'
import { processLog } from './process-log.ts'
import { type Ended, inSeconds, type Running, type ServiceProvider } from './service-provider.ts'
import { processesOf, readRecord, running, type ServiceRecord } from './service-record.ts'
import { startSupervisor } from './start-supervisor.ts'

export type ProcessTarget = Extract<Target, { type: 'process' }>

export function supervisedProcess(world: World, name: string, target: ProcessTarget): ServiceProvider {
  const { environment, health, stable_for, stop_timeout } = target
  return {
    environment,
    stableForMs: stable_for,
    stopsBy: `gets SIGTERM, then SIGKILL after ${inSeconds(stop_timeout)}`,
    async state(signal) {
      const record = readRecord(world.dataFolder, name)
      const tree = processesOf(world.dataFolder, name, record)
      const first = leaderOf(tree, record)
      const left = health && !first ? await listenerAt(health.url, new Set()).catch(() => undefined) : undefined
      const taken = health && left?.of === 'others' ? textOf(health.url, left) : undefined
      if (!first) return endedOf(await recordOfEnd(world, name, record), taken)
      const now = runningOf(first)
      if (hasFailed(record)) {
        const text = `${endText(record)}, and it has left ${tree.length} processes`
        return { running: now, health: { ok: false, text } }
      }
      if (!health) return { running: now }
      return { running: now, health: await probe(health, new Set(tree.map(({ pid }) => pid)), signal) }
    },
    logs: async () => processLog(world.dataFolder, name),
    start: (signal) => startProcess(world, name, target, signal),
    stop: () => stopProcess(world, name, stop_timeout),
  }
}

/** The process that leads the service; `undefined` where nothing of it runs. */
export const processOf = ({ dataFolder }: World, name: string): RunningProcess | undefined => {
  const record = readRecord(dataFolder, name)
  return leaderOf(processesOf(dataFolder, name, record), record)
}

/** What the command became; of a program that has put itself into the background, the eldest that is left. */
function leaderOf(tree: readonly RunningProcess[], record: ServiceRecord | undefined): RunningProcess | undefined {
  const main = tree.find(({ pid, started }) => pid === record?.main.pid && started === record.main.started)
  return main ?? [...tree].sort((a, b) => Number(a.started) - Number(b.started) || a.pid - b.pid)[0]
}

const runningOf = ({ pid, started }: RunningProcess): Running => ({
  state: `running:${pid}:${started}`,
  text: `process ${pid}`,
  pid,
  ageMs: Math.max(0, uptime() - Number(started) / TICKS_PER_SECOND) * 1_000,
})

const RECORDED_MS_MAX = 2_000

/** Of a service that has just ended: its supervisor may not have recorded yet how. */
async function recordOfEnd(
  { dataFolder }: World,
  name: string,
  record: ServiceRecord | undefined,
): Promise<ServiceRecord | undefined> {
  const until = performance.now() + RECORDED_MS_MAX
  while (running(record?.supervisor) && performance.now() < until) await sleep(POLL_MS)
  return readRecord(dataFolder, name)
}

const hasFailed = (record: ServiceRecord | undefined): record is ServiceRecord =>
  record?.ended !== undefined && !('code' in record.ended && record.ended.code === 0)

const endText = ({ ended }: Pick<ServiceRecord, 'ended'>) =>
  ended && 'code' in ended
    ? `its process ended with exit code ${ended.code}`
    : `its process was ended by ${ended?.signal ?? 'an unknown signal'}`

function endedOf(record: ServiceRecord | undefined, taken: string | undefined): { ended?: Ended } {
  const texts = [...(record?.ended ? [endText(record)] : []), ...(taken === undefined ? [] : [taken])]
  if (texts.length === 0) return {}
  return { ended: { text: texts.join('; '), killed: record?.ended !== undefined && isKill(record.ended) } }
}

const isKill = (ended: NonNullable<ServiceRecord['ended']>) => 'signal' in ended && ended.signal === 'SIGKILL'

/** How long the supervisor may take to end when nothing is left of the service. */
const SUPERVISOR_MS_MAX = 10_000
const POLL_MS = 10

/**
 * SIGTERM, the time that the target gives, SIGKILL, for the whole tree; none is left when this resolves.
 *
 * @returns how it was ended, where that was by SIGKILL
 * @throws {DeedError} `effect_failed` when a process cannot be ended
 */
export async function stopProcess(
  { dataFolder }: Pick<World, 'dataFolder'>,
  name: string,
  graceMs: number,
): Promise<string | undefined> {
  const record = readRecord(dataFolder, name)
  const find = () => processesOf(dataFolder, name, record)
  let { killed } = await endAll(find, graceMs)
  const until = performance.now() + SUPERVISOR_MS_MAX
  // It ends after the last process; one may have been born while the table was read.
  while (running(record?.reaper) ?? running(record?.supervisor)) {
    if (performance.now() > until) throw new DeedError('effect_failed', `the supervisor of ${name} does not end`)
    await sleep(POLL_MS)
    killed += (await endAll(find, graceMs)).killed
  }
  return killed === 0 ? undefined : `ended by SIGKILL after ${inSeconds(graceMs)}`
}

/** Where the programs of services are looked for. */
export const PROCESS_PATH: readonly string[] = ['/usr/local/bin', '/usr/bin', '/bin', dirname(process.execPath)]

const HEALTHY_MS_MAX = 15_000
const POLL_MS_MIN = 20
const POLL_MS_MAX = 500

/**
 * Starts the service where it does not run, and waits until it is healthy or has died. Whether it came up, and stays up,
 * is for the observation to say.
 *
 * @throws {DeedError} `effect_failed` when it cannot be started
 */
async function startProcess(world: World, name: string, target: ProcessTarget, signal: AbortSignal): Promise<void> {
  // Started already by an attempt that died: a second process on the same port would only fail.
  if (!processOf(world, name)) await supervise(world, name, target)
  const { health } = target
  const until = performance.now() + HEALTHY_MS_MAX
  for (let waitMs = POLL_MS_MIN; health && !signal.aborted; waitMs = Math.min(waitMs * 2, POLL_MS_MAX)) {
    const tree = new Set(processesOf(world.dataFolder, name).map(({ pid }) => pid))
    if (tree.size === 0 || performance.now() > until) return
    if ((await probe(health, tree, signal)).ok !== false) return
    await sleep(waitMs)
  }
}

async function supervise({ dataFolder }: World, name: string, target: ProcessTarget): Promise<void> {
  const [program = '', ...args] = target.command
  try {
    await startSupervisor({
      name,
      dataFolder,
      command: [program === 'node' ? process.execPath : program, ...args],
      cwd: target.cwd,
      env: {
        PATH: PROCESS_PATH.join(':'),
        HOME: target.cwd,
        LANG: 'C.UTF-8',
        ...target.env,
      },
      reaper: reaper(),
    })
  } catch (cause) {
    throw new DeedError('effect_failed', `${name} cannot be started: ${(cause as Error).message}`, { cause })
  }
}
