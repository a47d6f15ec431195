/**
 * Processes that Deed starts, ends and finds again: targets of type `process`.
 *
 * Each leads a session of its own and outlives the executor that started it. It is found by two entries in its
 * environment, the target's name and the installation's data folder, so any executor on the host finds it, and what a
 * dead executor left behind is not started twice.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import { guardedRequest } from '../http/guarded-request.ts'
import type { World } from '../kinds/kind.ts'
import type { ServiceProvider } from '../services/service-provider.ts'
import { endTree } from './end-tree.ts'
import { processesMarked, type RunningProcess } from './process-table.ts'

export type ProcessTarget = Extract<Target, { type: 'process' }>

export function supervisedProcess(world: World, name: string, target: ProcessTarget): ServiceProvider {
  return {
    environment: target.environment,
    async state(signal) {
      const found = processOf(world, name)
      if (!found) return {}
      const { pid, started } = found
      const running = { state: `running:${pid}:${started}`, text: `process ${pid}`, pid }
      return target.health ? { running, health: await probe(target.health, signal) } : { running }
    },
    start: (signal) => startProcess(world, name, target, signal),
    stop: () => stopProcess(world, name),
  }
}

/** The process that leads the service: of those with its marks, the one whose parent has none. */
export function processOf(world: World, name: string): RunningProcess | undefined {
  const marked = processesMarked(...marks(world, name))
  const pids = new Set(marked.map(({ pid }) => pid))
  const leaders = marked.filter(({ parent }) => !pids.has(parent))
  return leaders.find(({ pid, session }) => pid === session) ?? leaders[0]
}

const GRACE_MS = 5_000

/** SIGTERM, five seconds, SIGKILL, for the whole tree; none is left when this resolves. */
async function stopProcess(world: World, name: string): Promise<void> {
  await endTree(marks(world, name), GRACE_MS)
}

const HEALTHY_MS_MAX = 15_000
const POLL_MS_MIN = 20
const POLL_MS_MAX = 500
/** How long a process without a health probe must have lived to count as started. */
const LIVES_MS = 200

/**
 * Starts the service where it does not run, and waits until it is healthy or has died. Whether it came up is for the
 * observation to say.
 *
 * @throws {DeedError} `effect_failed` when there is no such program
 */
async function startProcess(world: World, name: string, target: ProcessTarget, signal: AbortSignal): Promise<void> {
  // Started already by an attempt that died: a second process on the same port would only fail.
  if (!processOf(world, name)) await spawnDetached(world, name, target)
  await untilHealthy(world, name, target, signal)
}

async function spawnDetached(world: World, name: string, target: ProcessTarget): Promise<void> {
  const log = join(world.dataFolder, 'services', `${name}.log`)
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 })
  const output = openSync(log, 'a', 0o600)
  try {
    const [program = '', ...args] = target.command
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: target.cwd,
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        PATH: `/usr/local/bin:/usr/bin:/bin:${dirname(process.execPath)}`,
        HOME: target.cwd,
        LANG: 'C.UTF-8',
        ...target.env,
        ...Object.fromEntries(marks(world, name).map((mark) => mark.split(/=(.*)/s, 2) as [string, string])),
      },
    })
    await once(child, 'spawn')
    child.unref()
  } catch (cause) {
    throw new DeedError('effect_failed', `${name} cannot be started: ${(cause as Error).message}`, { cause })
  } finally {
    closeSync(output)
  }
}

async function untilHealthy(world: World, name: string, target: ProcessTarget, signal: AbortSignal): Promise<void> {
  const begun = performance.now()
  let found: RunningProcess | undefined
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(waitMs * 2, POLL_MS_MAX)) {
    if (signal.aborted) return
    found ??= processOf(world, name)
    const age = performance.now() - begun
    if (!target.health) {
      if (age >= LIVES_MS) return
    } else if ((await probe(target.health, signal)).ok || age > HEALTHY_MS_MAX) return
    if (found && !processOf(world, name)) return
    await sleep(waitMs)
  }
}

async function probe(
  { url, status, timeout_ms }: NonNullable<ProcessTarget['health']>,
  signal: AbortSignal,
): Promise<{ ok: boolean; text: string }> {
  try {
    // The address stands in the configuration, so it may be a local one.
    const answer = await guardedRequest({
      method: 'GET',
      url,
      headers: {},
      trustedOrigin: new URL(url).origin,
      timeoutMs: timeout_ms,
      signal,
    })
    return { ok: answer.status === status, text: `its health probe answered ${answer.status}` }
  } catch (error) {
    return { ok: false, text: `its health probe failed: ${(error as Error).message}` }
  }
}

const marks = ({ dataFolder }: World, name: string): [string, string] => [
  `DEED_TARGET=${name}`,
  `DEED_TARGET_OF=${dataFolder}`,
]
