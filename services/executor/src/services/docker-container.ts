/** A service that is a container, through the `docker` client. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { World } from '../kind/kind.ts'
import { parseAnswer, runClient } from './client-program.ts'
import { LINES_READ_MAX, linesWithTimestamps } from './log-lines.ts'
import { type Ended, inSeconds, type ServiceProvider, type ServiceState } from './service-provider.ts'

const NO_SUCH = 1
/** How long a health check of the container's own may take to say how it is. */
const STARTING_MS_MAX = 60_000
const POLL_MS = 500
/** 128 and the number of SIGKILL. */
const KILLED = 137

const Inspected = z.object({
  /** The id of the image that it is made of. */
  Image: z.string().optional(),
  RestartCount: z.int().min(0).default(0),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean().default(false),
    Restarting: z.boolean().default(false),
    OOMKilled: z.boolean().default(false),
    Dead: z.boolean().default(false),
    Pid: z.int().min(0),
    ExitCode: z.int().default(0),
    Error: z.string().default(''),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).optional(),
  }),
})
type Inspected = z.output<typeof Inspected>

const Image = z.object({ Id: z.string() })

export function dockerContainer(
  world: World,
  { container, environment, image, stable_for, stop_timeout }: Extract<Target, { type: 'docker' }>,
): ServiceProvider {
  const docker = (args: string[], signal: AbortSignal, codes?: number[]) =>
    runClient(world, 'docker', args, signal, codes)
  const inspect = async (signal: AbortSignal): Promise<Inspected> => {
    const { code, stdout, stderr } = await docker(['container', 'inspect', '--', container], signal, [0, NO_SUCH])
    if (code === NO_SUCH && /no such (?:container|object)/i.test(stderr))
      throw new DeedError('not_found', `docker has no container ${container}`)
    if (code === NO_SUCH) throw new DeedError('unavailable', `docker: ${stderr.trim().slice(0, 1_000)}`)
    return parseAnswer('docker', z.tuple([Inspected]), stdout)[0]
  }
  /** @returns what is wrong with the image; `undefined`: nothing, or any will do */
  const otherImage = async ({ Image: used }: Inspected, signal: AbortSignal): Promise<string | undefined> => {
    if (image === undefined) return undefined
    const { code, stdout } = await docker(['image', 'inspect', '--', image], signal, [0, NO_SUCH])
    if (code === NO_SUCH) return `docker has no image ${image}, so it is made of another`
    const [{ Id }] = parseAnswer('docker', z.tuple([Image]), stdout)
    return used === Id ? undefined : `it is made of the image ${used}, and ${image} is ${Id}`
  }
  return {
    environment,
    stableForMs: stable_for,
    stopsBy: `gets SIGTERM, or the signal that its image names, then SIGKILL after ${inSeconds(stop_timeout)}`,
    async resolves(signal) {
      const { Image: used } = await inspect(signal)
      return used === undefined ? {} : { image: used }
    },
    async state(signal) {
      const inspected = await inspect(signal)
      const state = stateOf(container, inspected)
      const wrong = state.running && (await otherImage(inspected, signal))
      if (wrong === undefined) return state
      return { ...state, health: { ok: false, text: [state.health?.text, wrong].filter(Boolean).join('; ') } }
    },
    async logs(from, signal) {
      const args = ['container', 'logs', '--timestamps', `--tail=${LINES_READ_MAX}`, ...sinceOf(from), '--', container]
      // What it writes to its two outputs comes in two texts; the times bring them together again.
      const { stdout, stderr } = await docker(args, signal)
      return linesWithTimestamps(`${stdout}${stderr}`)
    },
    async start(signal) {
      await docker(['container', 'start', '--', container], signal)
      const until = performance.now() + STARTING_MS_MAX
      while (performance.now() < until && !signal.aborted) {
        if ((await inspect(signal)).State.Health?.Status !== 'starting') return
        await sleep(POLL_MS)
      }
    },
    async stop(signal) {
      const seconds = Math.ceil(stop_timeout / 1_000)
      await docker(['container', 'stop', '-t', String(seconds), '--', container], signal)
      return (await inspect(signal)).State.ExitCode === KILLED ? `ended by SIGKILL after ${seconds} s` : undefined
    },
  }
}

const sinceOf = (from: number | undefined) => (from === undefined ? [] : [`--since=${new Date(from).toISOString()}`])

/** Of the states of a container, those in which nothing of it runs. */
const AT_REST: ReadonlySet<string> = new Set(['created', 'exited', 'dead'])

function stateOf(container: string, inspected: Inspected): ServiceState {
  const { State, RestartCount } = inspected
  const { Status, Pid, StartedAt, Health } = State
  const rests = AT_REST.has(Status) && !State.Running && !State.Restarting && !State.Paused && Pid === 0
  if (rests) return Status === 'created' ? {} : { ended: endedOf(State) }
  const age = Date.now() - Date.parse(StartedAt)
  const running = {
    state: `running:${Pid}:${StartedAt}`,
    text: `container ${container} (process ${Pid})`,
    pid: Pid,
    restarts: RestartCount,
    ...(age >= 0 ? { ageMs: age } : {}),
  }
  const doubts = doubtsOf(State)
  const asked = Health && Health.Status !== 'none' ? [`docker says it is ${Health.Status}`] : []
  if (doubts.length === 0 && asked.length === 0) return { running }
  const ok = doubts.length === 0 && (asked.length === 0 || Health?.Status === 'healthy')
  return { running, health: { ok, text: [...asked, ...doubts].join('; ') } }
}

/** Each thing of the answer that says that it does not really run. */
function doubtsOf(state: Inspected['State']): string[] {
  const { Status, Running, Paused, Restarting, Dead, OOMKilled, Pid, ExitCode } = state
  return [
    ...(Status === 'running' ? [] : [`its status is ${Status}`]),
    ...(Running ? [] : ['docker does not count it as running']),
    ...(Paused ? ['it is paused'] : []),
    ...(Restarting ? [`it is being restarted, after exit code ${ExitCode}`] : []),
    ...(Dead ? ['it is dead'] : []),
    ...(OOMKilled ? ['the kernel has ended a process of it for want of memory'] : []),
    ...(Pid === 0 ? ['it has no process'] : []),
  ]
}

function endedOf({ ExitCode, OOMKilled, Error: error, Dead }: Inspected['State']): Ended {
  const texts = [
    `it ended with exit code ${ExitCode}${ExitCode === KILLED ? ' (SIGKILL)' : ''}`,
    ...(OOMKilled ? ['the kernel has ended it for want of memory'] : []),
    ...(Dead ? ['docker could not remove all of it'] : []),
    ...(error === '' ? [] : [error.slice(0, 500)]),
  ]
  return { text: texts.join('; '), killed: ExitCode === KILLED }
}
