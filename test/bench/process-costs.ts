/** What processes cost, by Linux: CPU time with that of their children, dead ones too, and memory. */
import { readdirSync, readFileSync } from 'node:fs'
import { rounded } from './scenario.ts'

/** USER_HZ, which is 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100
const KB_PER_MB = 1024

interface Process {
  pid: number
  parent: number
  /** Its own, and that of children that it has waited for. */
  cpuSeconds: number
}

/** What was spent between two moments. The CPU figures are null where there is no /proc. */
export interface Costs {
  seconds: number
  /** CPU seconds of each part of what is measured. */
  cpu: Record<string, number> | null
  /** CPU seconds of processes that are neither measured nor of the benchmark. */
  foreign: number | null
  /** CPU seconds that the machine was denied by the one that it runs on. */
  steal: number | null
}

/**
 * Begins to count. The total is exact to 10 ms a process: a child that ends in between is counted on in its parent.
 * Processes of PostgreSQL are told by what they are there for.
 *
 * @param roots name to pid: each process tree of what is measured
 * @returns ends the count; it may be called again
 */
export function countCosts(roots: Record<string, number>): () => Costs {
  const read = () => ({ at: performance.now(), cpu: cpuSeconds(roots), own: ownCpu(roots), machine: machineCpu() })
  const before = read()
  return () => {
    const after = read()
    const seconds = (after.at - before.at) / 1000
    if (!before.cpu || !after.cpu || !before.machine || !after.machine)
      return { seconds, cpu: null, foreign: null, steal: null }
    const used = after.machine.used - before.machine.used
    return {
      seconds,
      cpu: differences(before.cpu, after.cpu),
      foreign: Math.max(0, used - (after.own - before.own)),
      steal: after.machine.steal - before.machine.steal,
    }
  }
}

/** Of several counts, one after the other. */
export function sumOfCosts(counts: readonly Costs[]): Costs {
  const total = (of: (costs: Costs) => number | null): number | null => {
    const all = counts.map(of)
    return all.includes(null) ? null : all.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  }
  const names = new Set(counts.flatMap(({ cpu }) => Object.keys(cpu ?? {})))
  return {
    seconds: total(({ seconds }) => seconds) ?? 0,
    cpu: counts.some(({ cpu }) => cpu === null)
      ? null
      : Object.fromEntries(
          [...names].map((name) => [name, counts.reduce((sum, { cpu }) => sum + (cpu?.[name] ?? 0), 0)]),
        ),
    foreign: total(({ foreign }) => foreign),
    steal: total(({ steal }) => steal),
  }
}

/** CPU seconds of all that was measured. */
export function cpuTotal({ cpu }: Costs): number | null {
  return cpu && Object.values(cpu).reduce((sum, seconds) => sum + seconds, 0)
}

/** Of each part, divided by `by`; figures of less than half a thousandth are left out. */
export function cpuByProcess({ cpu }: Costs, by: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(cpu ?? {})
      .map(([name, seconds]) => [name, seconds / by] as const)
      .filter(([, share]) => Math.abs(share) >= 0.0005)
      .sort(([, a], [, b]) => b - a)
      .map(([name, share]) => [name, rounded(share, 4)]),
  )
}

/** What else the machine did meanwhile, in cores: 1 is a whole core all the time. */
export function disturbance({ foreign, steal, seconds }: Costs) {
  return {
    foreign_cores: foreign === null ? null : rounded(foreign / seconds, 2),
    steal_cores: steal === null ? null : rounded(steal / seconds, 2),
  }
}

/** The figures that lines have in common. @param count of what was measured */
export function costFigures(costs: Costs, count: number) {
  const total = cpuTotal(costs)
  return {
    cpu_s_per_1000: total === null ? null : rounded((total / count) * 1000),
    ...disturbance(costs),
  }
}

/**
 * Memory in MB, what is shared divided among those who share it (PSS).
 *
 * @param except pids of the measurement's own connections
 */
export function memoryMb(roots: Record<string, number>, except: readonly number[]): Record<string, number> | null {
  return sumByName(roots, ({ pid }) => (except.includes(pid) ? 0 : pssMb(pid)))
}

/** How often a thread was taken off its core, and how often data were read or written by a system call, so far. */
export function kernelCalls(roots: Record<string, number>): Record<string, number> {
  const total = (of: (pid: number) => number): number =>
    Object.values(sumByName(roots, ({ pid }) => of(pid)) ?? {}).reduce((sum, value) => sum + value, 0)
  return {
    context_switches: total((pid) =>
      namesIn(`/proc/${pid}/task`).reduce((sum, thread) => {
        const status = readIfThere(`/proc/${pid}/task/${thread}/status`) ?? ''
        return sum + sumOfNumbers(status, /^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)
      }, 0),
    ),
    // Not those of PostgreSQL on its sockets, which the kernel counts for read and write alone.
    reads_and_writes: total((pid) => sumOfNumbers(readIfThere(`/proc/${pid}/io`) ?? '', /^sysc[rw]: (\d+)$/gm)),
  }
}

/**
 * CPU seconds that processes and the kernel for them have used since the machine started, and those that were stolen.
 *
 * @param stat the text of /proc/stat; its first line is `cpu user nice system idle iowait irq softirq steal guest guest_nice`
 */
export function parseMachineCpu(stat: string): { used: number; steal: number } {
  // Interrupts belong to no process. Guests are counted in `user` and `nice` already.
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '')
    .split(' ')
    .map(Number)
  return { used: (user + nice + system) / TICKS_PER_SECOND, steal: steal / TICKS_PER_SECOND }
}

/** @param stat the text of /proc/<pid>/stat */
export function parseProcess(pid: number, stat: string): Process {
  // The second field is the command in parentheses, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND }
}

function differences(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const names = Object.keys({ ...before, ...after })
  return Object.fromEntries(names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]))
}

function cpuSeconds(roots: Record<string, number>): Record<string, number> | null {
  return sumByName(roots, ({ cpuSeconds }) => cpuSeconds)
}

/** Of what is measured and of the benchmark, each process once. */
function ownCpu(roots: Record<string, number>): number {
  const seen = new Map<number, number>()
  sumByName({ ...roots, bench: process.pid }, ({ pid, cpuSeconds }) => {
    seen.set(pid, cpuSeconds)
    return 0
  })
  return [...seen.values()].reduce((sum, seconds) => sum + seconds, 0)
}

function machineCpu(): { used: number; steal: number } | undefined {
  const stat = readIfThere('/proc/stat')
  return stat === undefined ? undefined : parseMachineCpu(stat)
}

function sumByName(roots: Record<string, number>, costOf: (process: Process) => number): Record<string, number> | null {
  if (process.platform !== 'linux') return null
  const children = Map.groupBy(runningProcesses(), ({ parent }) => parent)
  const all = [...children.values()].flat()
  const sums: Record<string, number> = {}
  const add = (one: Process, name: string): void => {
    const key = name === 'postgres' ? roleInPostgres(one.pid) : name
    sums[key] = (sums[key] ?? 0) + costOf(one)
    for (const child of children.get(one.pid) ?? []) add(child, name)
  }
  for (const [name, pid] of Object.entries(roots)) {
    const root = all.find((one) => one.pid === pid)
    if (!root) throw new Error(`${name} (process ${pid}) is gone`)
    add(root, name)
  }
  return sums
}

/** @param number a global pattern with the number as its group */
export function sumOfNumbers(text: string, number: RegExp): number {
  return [...text.matchAll(number)].reduce((sum, [, digits]) => sum + Number(digits), 0)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function runningProcesses(): Process[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readIfThere(`/proc/${name}/stat`)
      return stat === undefined ? [] : [parseProcess(Number(name), stat)]
    })
}

/** `postgres walwriter`, `postgres deed_executor`: its processes write into their titles what they do. */
function roleInPostgres(pid: number): string {
  const [, role] = /^postgres: (\S+)/.exec(readIfThere(`/proc/${pid}/cmdline`) ?? '') ?? []
  return role === undefined ? 'postgres' : `postgres ${role.replaceAll('\0', '')}`
}

function pssMb(pid: number): number {
  const [, kb = '0'] = /^Pss:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/smaps_rollup`) ?? '') ?? []
  return Number(kb) / KB_PER_MB
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // The process ended while the list was read.
    return undefined
  }
}
