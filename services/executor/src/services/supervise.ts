/**
 * The supervisor of one service: a program of its own, which outlives the executor that starts it and ends with the
 * service. It starts the service once, records which processes it is, and writes its output to a log that is bounded.
 *
 * It reads a `Supervised` as JSON from standard input, and answers a line on descriptor 3: `started`, `already` or
 * `failed <why>`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { constants as system } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningProcess } from '../processes/process-table.ts'
import { bootId } from '../processes/this-process.ts'
import { openRotatingLog } from './rotating-log.ts'
import { logOf, marksOf, nameOf, processesOf, type ServiceRecord, writeRecord } from './service-record.ts'

export interface Supervised {
  readonly name: string
  readonly dataFolder: string
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** What is put before the command; empty: there is none on this host. */
  readonly reaper: readonly string[]
}

const REPORT_FD = 3
/** How long the supervisor of a service that has just ended may take to end. */
const LOCK_MS_MAX = 10_000
const POLL_MS = 20
/** Between two readings of the process table, where no reaper keeps the processes together. */
const WALK_MS = 200
const DRAIN_MS_MAX = 2_000

/** A terminal that is closed, or a group that is ended, ends the service and by that this. */
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function supervise(service: Supervised): Promise<void> {
  const { dataFolder, name } = service
  if (!(await isOnly(service)) || processesOf(dataFolder, name).length > 0) return report('already')
  using log = openRotatingLog(logOf(dataFolder, name))
  const output = openPipe(`${logOf(dataFolder, name)}.pipe`)
  let first: First
  try {
    first = await start(service, output.end)
  } catch (error) {
    return report(`failed ${(error as Error).message}`)
  } finally {
    closeSync(output.end)
  }
  const drained = once(output.stream, 'close').catch(() => undefined)
  output.stream.on('data', (chunk: Buffer) => log.write(chunk))
  output.stream.on('error', () => undefined)
  let record: ServiceRecord = { ...first.record, known: [] }
  const keep = (more: Partial<ServiceRecord>) => {
    record = { ...record, ...more }
    try {
      writeRecord(dataFolder, name, record)
    } catch {
      // A disk that is full: what was written last still names the processes.
    }
  }
  keep({})
  report('started')
  const ended = first.ended.then((how) => how && keep({ ended: how }))
  if (first.record.reaper) await first.allEnded
  // A reaper that was killed leaves processes behind.
  await walk(record.main, dataFolder, name, (known) => keep({ known }))
  await ended
  if (!record.ended) keep({ ended: { signal: 'an unknown signal' } })
  await Promise.race([drained, sleep(DRAIN_MS_MAX, undefined, { ref: false })])
  process.exit(0)
}

/** An address that the kernel gives to one process of the host alone, and takes back when that ends. */
async function isOnly({ dataFolder, name }: Supervised): Promise<boolean> {
  const address = `\0deed-service-${createHash('sha256').update(`${dataFolder}\0${name}`).digest('hex').slice(0, 32)}`
  const until = performance.now() + LOCK_MS_MAX
  for (;;) {
    const server = createServer((socket) => socket.destroy())
    try {
      await once(server.listen(address).unref(), 'listening')
      return true
    } catch {
      if (processesOf(dataFolder, name).length > 0 || performance.now() > until) return false
      await sleep(POLL_MS)
    }
  }
}

interface First {
  readonly record: Omit<ServiceRecord, 'known'>
  /** `undefined`: nobody was there to see how. */
  readonly ended: Promise<ServiceRecord['ended']>
  /** Of the reaper: nothing of the service is left. */
  readonly allEnded: Promise<unknown>
}

async function start({ name, dataFolder, command, cwd, env, reaper }: Supervised, output: number): Promise<First> {
  const [program = '', ...args] = [...reaper, ...command]
  const reaped = reaper.length > 0
  const child = spawn(program, args, {
    cwd,
    env: { ...env, ...marksOf(dataFolder, name) },
    detached: !reaped,
    stdio: ['ignore', output, output, ...(reaped ? ['pipe' as const] : [])],
  })
  const allEnded = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  // One that cannot be started is reported by the next line.
  allEnded.catch(() => undefined)
  await once(child, 'spawn')
  const common = { boot: bootId(), supervisor: nameOf(runningProcess(process.pid)!) }
  if (!reaped) {
    const ended = allEnded.then(([code, signal]) => (signal === null ? { code: code ?? 0 } : { signal }))
    return { record: { ...common, main: named(child.pid!) }, ended, allEnded }
  }
  const { main, ended } = await reports(child)
  return { record: { ...common, reaper: named(child.pid!), main: named(main) }, ended, allEnded }
}

/** It may have ended meanwhile: then the name is of no process. */
const named = (pid: number) =>
  nameOf(runningProcess(pid) ?? { pid, parent: 0, session: 0, started: '', residentBytes: 0 })

/** @throws {Error} why the command could not be started */
async function reports(child: ChildProcess): Promise<{ main: number; ended: First['ended'] }> {
  const main = Promise.withResolvers<number>()
  const ended = Promise.withResolvers<ServiceRecord['ended']>()
  const lines = createInterface({ input: child.stdio[REPORT_FD] as Readable })
  lines.on('line', (line) => {
    const [word, rest = ''] = line.split(/ (.*)/s)
    if (word === 'main') main.resolve(Number(rest))
    else if (word === 'failed') main.reject(new Error(rest))
    else if (word === 'ended') ended.resolve(endOf(Number(rest)))
  })
  lines.on('close', () => {
    main.reject(new Error('the process above it has ended'))
    ended.resolve(undefined)
  })
  return { main: await main.promise, ended: ended.promise }
}

/** A status of wait(2). */
function endOf(status: number): NonNullable<ServiceRecord['ended']> {
  const signal = status & 127
  if (signal === 0) return { code: status >> 8 }
  const name = Object.entries(system.signals).find(([, number]) => number === signal)?.[0]
  return { signal: name ?? `signal ${signal}` }
}

/** Records which processes there are below the first, until none is left. */
async function walk(
  main: ServiceRecord['main'],
  dataFolder: string,
  name: string,
  keep: (known: ServiceRecord['known']) => void,
): Promise<void> {
  let known: readonly ServiceRecord['main'][] = [main]
  for (;;) {
    const found = processesOf(dataFolder, name)
    if (found.length === 0) return
    const now = found.map(nameOf)
    if (JSON.stringify(now) !== JSON.stringify(known)) keep(now)
    known = now
    await sleep(WALK_MS)
  }
}

/** A pipe of the kernel's, which a program may open again as /dev/stdout; those that Node makes are sockets. */
function openPipe(path: string): { stream: Socket; end: number } {
  rmSync(path, { force: true })
  execFileSync('mkfifo', ['-m', '600', path])
  try {
    const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const end = openSync(path, constants.O_WRONLY)
    return { stream: new Socket({ fd: reading, readable: true, writable: false }), end }
  } finally {
    rmSync(path, { force: true })
  }
}

function report(line: string): void {
  try {
    writeSync(REPORT_FD, `${line}\n`)
    closeSync(REPORT_FD)
  } catch {
    // The executor has died meanwhile; the next one reads the record.
  }
  if (line !== 'started') process.exit(0)
}

await supervise(JSON.parse(readFileSync(0, 'utf8')) as Supervised).catch((error: Error) =>
  report(`failed ${error.message}`),
)
