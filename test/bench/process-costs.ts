/** What processes cost, by Linux: CPU time with that of their children, dead ones too, and memory. */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ, which is 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100
const KB_PER_MB = 1024

interface Process {
  pid: number
  parent: number
  /** Its own, and that of children that it has waited for. */
  cpuSeconds: number
}

/**
 * CPU seconds so far of each process tree. The total of two readings apart is exact to 10 ms a process: a child that
 * ends in between is counted on in its parent. Those of PostgreSQL are told by what they are there for.
 *
 * @param roots name to pid
 * @returns null where there is no /proc
 */
export function cpuSeconds(roots: Record<string, number>): Record<string, number> | null {
  return sumByName(roots, ({ cpuSeconds }) => cpuSeconds)
}

/**
 * Memory in MB, what is shared divided among those who share it (PSS).
 *
 * @param except pids of the measurement's own connections
 */
export function memoryMb(roots: Record<string, number>, except: readonly number[]): Record<string, number> | null {
  return sumByName(roots, ({ pid }) => (except.includes(pid) ? 0 : pssMb(pid)))
}

/** What was added from one reading to another, divided by `by`; figures of less than `least` are left out. */
export function costsBetween(
  before: Record<string, number> | null,
  after: Record<string, number> | null,
  by: number,
): { total: number | null; byName: Record<string, number> } {
  if (before === null || after === null) return { total: null, byName: {} }
  const names = Object.keys({ ...before, ...after })
  const deltas = names.map((name) => [name, ((after[name] ?? 0) - (before[name] ?? 0)) / by] as const)
  return {
    total: deltas.reduce((sum, [, delta]) => sum + delta, 0),
    byName: Object.fromEntries(
      deltas
        .filter(([, delta]) => Math.abs(delta) >= 0.0005)
        .sort(([, a], [, b]) => b - a)
        .map(([name, delta]) => [name, Number(delta.toFixed(4))]),
    ),
  }
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

function runningProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readIfThere(`/proc/${name}/stat`)
      if (stat === undefined) return []
      // The second field is the command in parentheses, which may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const [, parent] = fields
      // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      return [{ pid: Number(name), parent: Number(parent), cpuSeconds: ticks / TICKS_PER_SECOND }]
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
