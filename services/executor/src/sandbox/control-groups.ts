/**
 * Control groups of the kernel, where this process may make some: a bound on the memory and the processes of a command
 * as a whole, and the one certain list of what it has started.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Limit, MEMORY_BYTES_MAX, PROCESSES_MAX } from './limits.ts'

export interface ControlGroups {
  readonly name: 'cgroup1' | 'cgroup2'
  open(bounds?: Bounds): ControlGroup
}

export interface Bounds {
  readonly memoryBytes: number
  readonly processes: number
}

/** Disposing removes it; its processes must be gone. */
export interface ControlGroup extends AsyncDisposable {
  /** A process is in the group when its number is in `cgroup.procs` of each of these. */
  readonly folders: readonly string[]
  processes(): number[]
  /** Which bound it has met. */
  hit(): Extract<Limit, 'memory' | 'processes'> | undefined
}

const DEFAULT_BOUNDS: Bounds = { memoryBytes: MEMORY_BYTES_MAX, processes: PROCESSES_MAX }
const MOUNT = '/sys/fs/cgroup'
const REMOVAL_MS_MAX = 2_000
const POLL_MS = 5

/** @returns `undefined` where this process may make none; whether they bind is for a trial to show */
export function findControlGroups(): ControlGroups | undefined {
  try {
    return version2() ?? version1()
  } catch {
    // No such file, or no right to write: there are none for this process.
    return undefined
  }
}

function version1(): ControlGroups | undefined {
  const [memory, pids] = ['memory', 'pids'].map((controller) => ownFolder(controller, join(MOUNT, controller)))
  if (memory === undefined || pids === undefined) return undefined
  sweep(memory)
  sweep(pids)
  return {
    name: 'cgroup1',
    open({ memoryBytes, processes } = DEFAULT_BOUNDS) {
      const name = nextName()
      const [memoryFolder, pidsFolder] = [makeGroup(memory, name), makeGroup(pids, name)]
      write(memoryFolder, 'memory.limit_in_bytes', memoryBytes)
      const withSwap = 'memory.memsw.limit_in_bytes'
      if (existsSync(join(memoryFolder, withSwap))) write(memoryFolder, withSwap, memoryBytes)
      write(pidsFolder, 'pids.max', processes)
      return group([memoryFolder, pidsFolder], {
        memory: () => count(memoryFolder, 'memory.oom_control', 'oom_kill'),
        processes: () => count(pidsFolder, 'pids.events', 'max'),
      })
    },
  }
}

function version2(): ControlGroups | undefined {
  const own = ownFolder('', MOUNT)
  if (own === undefined || !existsSync(join(own, 'cgroup.subtree_control'))) return undefined
  const enabled = () => readFileSync(join(own, 'cgroup.subtree_control'), 'utf8').trim().split(' ')
  const missing = ['memory', 'pids'].filter((controller) => !enabled().includes(controller))
  // Refused while processes are in the group itself, this one among them, unless it is the root.
  if (missing.length > 0) write(own, 'cgroup.subtree_control', missing.map((name) => `+${name}`).join(' '))
  sweep(own)
  return {
    name: 'cgroup2',
    open({ memoryBytes, processes } = DEFAULT_BOUNDS) {
      const folder = makeGroup(own, nextName())
      write(folder, 'memory.max', memoryBytes)
      if (existsSync(join(folder, 'memory.swap.max'))) write(folder, 'memory.swap.max', 0)
      write(folder, 'pids.max', processes)
      return group([folder], {
        memory: () => count(folder, 'memory.events', 'oom_kill'),
        processes: () => count(folder, 'pids.events', 'max'),
      })
    },
  }
}

/** Where this process is in a hierarchy, if it may make groups there. */
function ownFolder(controller: string, mount: string): string | undefined {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((text) => text.split(':'))
    .find(([, names]) => names?.split(',').includes(controller))
  const path = line?.slice(2).join(':')
  if (path === undefined) return undefined
  // In a container the path may be the host's, whose folder is mounted as the root.
  const folder = [join(mount, path), mount].find((one) => existsSync(join(one, 'cgroup.procs')))
  if (folder === undefined) return undefined
  rmdirSync(makeGroup(folder, nextName()))
  return folder
}

/** Removes what executors have left that were killed. Those of a living one may be empty only for now. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, maker] = MADE_BY.exec(name) ?? []
    if (maker !== undefined && !existsSync(`/proc/${maker}`)) remove(join(folder, name))
  }
}

const PREFIX = 'deed-'
const MADE_BY = /^deed-(\d+)-\d+$/
let made = 0
const nextName = () => `${PREFIX}${process.pid}-${++made}`

function makeGroup(parent: string, name: string): string {
  const folder = join(parent, name)
  mkdirSync(folder)
  return folder
}

const write = (folder: string, file: string, value: string | number) => writeFileSync(join(folder, file), String(value))

function count(folder: string, file: string, name: string): number {
  const found = readFileSync(join(folder, file), 'utf8').match(new RegExp(`^${name} (\\d+)$`, 'm'))
  return Number(found?.[1] ?? 0)
}

function group(
  folders: readonly string[],
  hits: Record<Extract<Limit, 'memory' | 'processes'>, () => number>,
): ControlGroup {
  return {
    folders,
    processes: () =>
      folders.flatMap((folder) =>
        readFileSync(join(folder, 'cgroup.procs'), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map(Number),
      ),
    hit: () => (hits.memory() > 0 ? 'memory' : hits.processes() > 0 ? 'processes' : undefined),
    async [Symbol.asyncDispose]() {
      const until = performance.now() + REMOVAL_MS_MAX
      // Busy for a moment after its last process has ended.
      for (const folder of folders) while (!remove(folder) && performance.now() < until) await sleep(POLL_MS)
    },
  }
}

function remove(folder: string): boolean {
  try {
    rmdirSync(folder)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
