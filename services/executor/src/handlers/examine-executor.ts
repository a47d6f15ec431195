import { accessSync, constants, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Handler } from '@deed/mesh/bus'
import type { Check, examineExecutor as contract } from '@deed/proto/doctor'
import type { World } from '../kind/kind.ts'
import { probeTarget } from '../observing/probe-target.ts'
import { LOG_BYTES_MAX, olderLog } from '../services/rotating-log.ts'
import { logOf } from '../services/service-record.ts'
import { boundedly } from './boundedly.ts'

interface Dependencies {
  world: World
  /** Why the sandbox is not a stronger one. */
  missing: readonly string[]
}

const PROBES_AT_ONCE = 8
const PROBE_MS_MAX = 5_000
const TARGETS_MAX = 500
const FREE_BYTES_MIN = 512 * 1024 * 1024

export function examineExecutor({ world, missing }: Dependencies): Handler<typeof contract> {
  return async () => {
    const { config } = world
    const targets = Object.keys(config.targets).slice(0, TARGETS_MAX)
    const probed = await boundedly(targets, PROBES_AT_ONCE, (name) => target(world, name))
    const folders = Object.entries(config.workspaces).map(([name, { root }]) => workspace(name, root))
    const secrets = Object.entries(config.secrets).map(([name, { env }]) => secret(name, env, world))
    const logs = Object.keys(config.targets).flatMap((name) => log(world.dataFolder, name))
    return {
      checks: [sandbox(world, missing), ...folders, ...probed, ...logs, ...secrets, await disk(world.dataFolder)],
    }
  }
}

function sandbox({ sandbox, config }: World, missing: readonly string[]): Check {
  const [layer = ''] = sandbox.name.split('+')
  const message = sandbox.confines
    ? `commands run in ${sandbox.name}, which ${LEAVES_OPEN[layer] ?? 'shows them their workspace alone'}`
    : `commands are not confined (${sandbox.name}): each needs one more level of approval`
  const strong = layer === 'bwrap' || layer === 'unshare'
  const said = [message, ...missing].join('; ')
  if (strong && sandbox.name.includes('seccomp') && sandbox.name.includes('cgroup'))
    return { name: 'sandbox', status: 'ok', message: said }
  return {
    name: 'sandbox',
    status: 'warning',
    message: said,
    advice: adviceFor(layer, sandbox.name, config.commands.sandbox),
  }
}

const LEAVES_OPEN: Readonly<Record<string, string>> = {
  landlock: 'does not hide processes and folders of the host, nor gives a way to single hosts',
}

function adviceFor(layer: string, name: string, mode: string): string {
  if (mode !== 'auto') return 'set commands.sandbox to auto for the strongest that holds here'
  if (layer === 'landlock' || layer === 'allow-list')
    return 'let this user make namespaces (kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor), or run on a host that does'
  if (!name.includes('seccomp')) return 'install perl or bubblewrap, by which system calls are filtered'
  return 'run the executor where it may make control groups, as systemd allows by Delegate=yes'
}

function workspace(name: string, root: string): Check {
  const check = `workspace.${name}`
  try {
    if (!statSync(root).isDirectory()) {
      return { name: check, status: 'problem', message: `${root} is no folder`, advice: 'name a folder' }
    }
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK)
    return { name: check, status: 'ok', message: `${root} can be written` }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const message = code === 'ENOENT' ? `${root} does not exist` : `${root} cannot be written`
    return { name: check, status: 'problem', message, advice: 'make it, and let the executor write in it' }
  }
}

async function target(world: World, name: string): Promise<Check> {
  const check = `target.${name}`
  try {
    const { ok, message } = await probeTarget(world, name, AbortSignal.timeout(PROBE_MS_MAX))
    if (ok) return { name: check, status: 'ok', message }
    return { name: check, status: 'warning', message, advice: `start ${name}, or remove it from execution.yaml` }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it cannot be observed'
    return { name: check, status: 'warning', message, advice: `look at targets.${name} in execution.yaml` }
  }
}

function secret(name: string, variable: string, { env }: World): Check {
  const check = `secret.${name}`
  return env[variable]
    ? { name: check, status: 'ok', message: `${variable} is set` }
    : { name: check, status: 'problem', message: `${variable} is not set`, advice: `set ${variable} for the executor` }
}

/** Of the target's service, where it has written one: something besides its supervisor may have, or one of long ago. */
function log(dataFolder: string, name: string): Check[] {
  const path = logOf(dataFolder, name)
  return [path, olderLog(path)].flatMap((file): Check[] => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    if (size <= LOG_BYTES_MAX) return []
    const message = `${file} has ${inMegabytes(size)}, more than the ${inMegabytes(LOG_BYTES_MAX)} that it may have`
    return [{ name: `log.${name}`, status: 'warning', message, advice: `remove it, and restart ${name}` }]
  })
}

const inMegabytes = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MB`

async function disk(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const message = `${Math.round(free / 1024 / 1024)} MB are free at ${folder}`
  return free > FREE_BYTES_MIN
    ? { name: 'disk.executor', status: 'ok', message }
    : { name: 'disk.executor', status: 'warning', message, advice: 'free some space: snapshots are kept there' }
}
