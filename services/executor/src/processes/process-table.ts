/** The processes of this host, as /proc shows them. A pid alone is no name: with its start time it is one. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly session: number
  /** In clock ticks since the host has booted; with the pid it names a process. */
  readonly started: string
  /** Memory that it holds, shared pages included. */
  readonly residentBytes: number
}

/** Of every platform that Node runs on with a /proc, but for kernels that were built with larger pages. */
const PAGE_BYTES = 4096

/** Every process whose environment at its start had all of these entries, written as `NAME=value`. */
export function processesMarked(...entries: readonly string[]): RunningProcess[] {
  const wanted = entries.map((entry) => Buffer.from(`${entry}\0`))
  const found: RunningProcess[] = []
  for (const pid of pids()) {
    const environment = read(`/proc/${pid}/environ`)
    if (!environment || !wanted.every((entry) => startsEntry(environment, entry))) continue
    const running = runningProcess(pid)
    if (running) found.push(running)
  }
  return found
}

/** Of the clock in which the kernel gives times of processes, on every platform that Node runs on. */
export const TICKS_PER_SECOND = 100

/** @returns `undefined` when there is none, or it has ended and only waits to be collected */
export function runningProcess(pid: number): RunningProcess | undefined {
  const fields = statOf(pid)
  return (
    fields && {
      pid,
      parent: Number(fields[1]),
      session: Number(fields[3]),
      started: fields[19]!,
      residentBytes: Number(fields[21]) * PAGE_BYTES,
    }
  )
}

/** The processor time that a process has used, in clock ticks; `undefined` when there is none. */
export function ticksUsed(pid: number): number | undefined {
  const fields = statOf(pid)
  return fields && Number(fields[11]) + Number(fields[12])
}

/**
 * The name of the program that a process runs, never its arguments: they may hold secrets. Of another user's process it
 * is the name that the process has given itself.
 */
export function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '')
  } catch {
    return read(`/proc/${pid}/comm`)?.toString().trimEnd() ?? 'already ended'
  }
}

/** The fields of `/proc/<pid>/stat` from the state on; `undefined` for one that has ended. */
function statOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`)?.toString('latin1')
  if (stat === undefined) return undefined
  // The name in parentheses may hold anything. proc(5) counts the state as field 3, user and system time as 14 and 15, the
  // start time as 22 and resident pages as 24.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields
}

/** Of these processes, those that still run. */
export function stillRunning(processes: readonly RunningProcess[]): RunningProcess[] {
  return processes.filter(({ pid, started }) => runningProcess(pid)?.started === started)
}

/** Every process below or in the session of one of these. */
export function descendantsOf(roots: readonly RunningProcess[]): RunningProcess[] {
  const all = pids().flatMap((pid) => runningProcess(pid) ?? [])
  const tree = new Map(roots.map((root) => [root.pid, root]))
  for (let grown = true; grown; ) {
    grown = false
    for (const one of all) {
      if (tree.has(one.pid) || !(tree.has(one.parent) || tree.has(one.session))) continue
      tree.set(one.pid, one)
      grown = true
    }
  }
  return [...tree.values()]
}

export function pids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []))
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    // Gone in the meantime, or another user's.
    return undefined
  }
}

function startsEntry(environment: Buffer, entry: Buffer): boolean {
  const at = environment.indexOf(entry)
  return at === 0 || (at > 0 && (environment[at - 1] === 0 || environment.includes(Buffer.from(`\0${entry}`))))
}
