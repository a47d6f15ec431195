/** Facts of this host, read from the kernel: /proc and statfs(2). */
import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '@deed/config/counted'
import type { Json, JsonObject } from '@deed/proto/json'
import type { HostFact } from '@deed/proto/kinds'
import type { z } from 'zod'
import { listeningSockets, socketOwners } from '../processes/listeners.ts'
import { pids, programOf, runningProcess, TICKS_PER_SECOND, ticksUsed } from '../processes/process-table.ts'
import { bootId } from '../processes/this-process.ts'
import { readMounts } from '../sandbox/mount-table.ts'

interface Found {
  /** For a reader, in a line or a few. */
  readonly text: string
  readonly data: Json
  /** What a second reading has to say as well: it does not move from one moment to the next. */
  readonly fixed: JsonObject
}

/** @param port of the listening ports, only this one */
type Reader = (port?: number) => Found | Promise<Found>

export const READERS: Readonly<Record<z.output<typeof HostFact>, Reader>> = {
  memory() {
    const lines = readFileSync('/proc/meminfo', 'utf8').matchAll(/^(\w+):\s+(\d+) kB$/gm)
    const kilobytes = new Map([...lines].map(([, name, number]) => [name, Number(number)]))
    const bytes = (name: string): number => (kilobytes.get(name) ?? 0) * 1024
    const [total, available] = [bytes('MemTotal'), bytes('MemAvailable')]
    const [swap, swapFree] = [bytes('SwapTotal'), bytes('SwapFree')]
    const more = swap === 0 ? 'no swap' : `${inUnits(swapFree)} of ${inUnits(swap)} of swap are free`
    return {
      text: `memory: ${inUnits(available)} of ${inUnits(total)} are available, ${more}`,
      data: { total_bytes: total, available_bytes: available, swap_total_bytes: swap, swap_free_bytes: swapFree },
      fixed: { memory_bytes: total },
    }
  },
  load() {
    const averages = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).map(Number)
    const [one = 0, five = 0, fifteen = 0] = averages
    const processors = availableParallelism()
    return {
      text: `load: ${averages.join(', ')} on average over 1, 5 and 15 minutes, on ${counted(processors, 'processor')}`,
      data: { minutes_1: one, minutes_5: five, minutes_15: fifteen, processors },
      fixed: { processors },
    }
  },
  uptime() {
    const seconds = Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]))
    const since = new Date(Date.now() - seconds * 1_000).toISOString().slice(0, 16)
    return {
      text: `uptime: ${inDays(seconds)}, since ${since}Z`,
      data: { seconds },
      fixed: { boot: bootId() },
    }
  },
  async disk() {
    const disks = []
    for (const point of diskMounts()) {
      const { blocks, bfree, bavail, bsize } = await statfs(point)
      const used = (blocks - bfree) * bsize
      const available = bavail * bsize
      if (used + available > 0)
        disks.push({ mount: point, total_bytes: blocks * bsize, used_bytes: used, available_bytes: available })
    }
    const lines = disks.map(({ mount, used_bytes: used, available_bytes: available }) => {
      // As the tools of the system round it: up, of what users may have.
      const percent = Math.ceil((used / (used + available)) * 100)
      return `disk: ${percent}% used of ${mount}, ${inUnits(available)} of ${inUnits(used + available)} are available`
    })
    return {
      text: lines.join('\n') || 'disk: no file system on a disk is mounted here',
      data: disks,
      fixed: Object.fromEntries(disks.map(({ mount, total_bytes }) => [`disk ${mount}`, total_bytes])),
    }
  },
  async processes() {
    const before = new Map(pids().map((pid) => [pid, ticksUsed(pid)]))
    const from = performance.now()
    await sleep(SAMPLE_MS)
    const seconds = (performance.now() - from) / 1_000
    const running = pids().flatMap((pid) => {
      const found = runningProcess(pid)
      const [was, now] = [before.get(pid), ticksUsed(pid)]
      if (!found || was === undefined || now === undefined) return []
      const percent = Math.round(((now - was) / TICKS_PER_SECOND / seconds) * 100)
      return [{ pid, percent: Math.max(0, percent), bytes: found.residentBytes }]
    })
    running.sort((a, b) => b.percent - a.percent || b.bytes - a.bytes)
    const busiest = running.slice(0, PROCESSES_MAX).map((one) => ({ ...one, program: programOf(one.pid) }))
    const lines = busiest.map(
      ({ pid, percent, bytes, program }) =>
        `${String(percent).padStart(4)}% of a processor  ${inUnits(bytes).padStart(8)}  ${program} (process ${pid})`,
    )
    return {
      text: [`the busiest of ${counted(running.length, 'process', 'processes')}:`, ...lines].join('\n'),
      data: busiest.map(({ pid, percent, bytes, program }) => ({
        pid,
        program,
        cpu_percent: percent,
        memory_bytes: bytes,
      })),
      fixed: {},
    }
  },
  ports(port) {
    const sockets = listeningSockets(port)
    const owners = sockets.length === 0 ? new Map<string, number>() : socketOwners()
    const rows = sockets.map(({ address, port: number, uid, inode }) => {
      const pid = owners.get(inode) ?? null
      return { port: number, address, pid, program: pid === null ? null : programOf(pid), user_id: Number(uid) }
    })
    rows.sort((a, b) => a.port - b.port || a.address.localeCompare(b.address))
    const lines = rows.slice(0, PORTS_MAX).map(({ port: number, address, pid, program, user_id }) => {
      const who = pid === null ? `a process of the user with id ${user_id}` : `${program} (process ${pid})`
      return `port ${number}: ${who} listens on ${address}`
    })
    const none = port === undefined ? 'no process listens on a port of TCP' : `no process listens on port ${port}`
    return {
      text: lines.join('\n') || none,
      data: rows.slice(0, PORTS_MAX),
      // Of one port it is the answer; of all of them some may come and go.
      fixed: port === undefined ? {} : { [`port ${port}`]: rows.map(({ address, pid }) => `${address} ${pid}`) },
    }
  },
}

const SAMPLE_MS = 250
const PROCESSES_MAX = 10
const PORTS_MAX = 200

/** File systems that lie on a disk, besides those whose source is a device. */
const ON_DISK: ReadonlySet<string> = new Set(['zfs', 'btrfs', 'bcachefs'])

/** Where file systems of this host's own disks are mounted, each once. The root is one of them, whatever it is made of. */
function diskMounts(): string[] {
  const points = new Map<string, string>()
  for (const { point, device, type, source } of readMounts()) {
    if (point !== '/' && !source.startsWith('/dev/') && !ON_DISK.has(type)) continue
    const known = points.get(device)
    if (known === undefined || point.length < known.length) points.set(device, point)
  }
  return [...new Set(points.values())].sort()
}

function inUnits(bytes: number): string {
  const megabytes = bytes / 1024 / 1024
  return megabytes < 1024 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`
}

function inDays(seconds: number): string {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3_600) % 24, (seconds / 60) % 60].map(Math.floor)
  const parts = [counted(days ?? 0, 'day'), counted(hours ?? 0, 'hour'), counted(minutes ?? 0, 'minute')]
  return parts
    .filter((part, index) => index === 2 || !part.startsWith('0 '))
    .slice(0, 2)
    .join(' ')
}
