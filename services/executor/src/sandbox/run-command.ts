/**
 * One command from start to end: in the sandbox, with a clean environment, with bounded time and output, and with none of
 * its processes left when it is reported ended.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { endAll } from '../processes/end-tree.ts'
import { descendantsOf, processesMarked, type RunningProcess, runningProcess } from '../processes/process-table.ts'
import { STATUS_FD } from './box.ts'
import { LAUNCHED, type Limit } from './limits.ts'
import type { Box, Confined, Sandbox } from './sandbox.ts'
import { watchUse } from './watch-use.ts'

/** What is kept of the output. */
export const OUTPUT_BYTES_MAX = 1024 * 1024
/** A command that prints more is ended. */
const PRINTED_BYTES_MAX = 64 * 1024 * 1024
const STDIO_MS_MAX = 2_000
/** Between SIGTERM and SIGKILL when its time is up. */
const GRACE_MS = 2_000

export interface Command extends Omit<Confined, 'secrets'> {
  readonly actionId: ActionId
  readonly secrets?: Confined['secrets']
  readonly stdin?: string | undefined
  /** Talks with it as it runs. What it prints is handed over then, and not collected. */
  talk?(stdin: Writable, stdout: Readable): void
  readonly signal: AbortSignal
  /** Is given what it has printed when it is ended before it ends by itself. */
  onCutShort?(output: Printed): void
  /** Called when its process is there and has its limits. */
  onStart?(): void
}

export interface Printed {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly stdoutCut: boolean
  readonly stderrCut: boolean
}

export interface Ended extends Printed {
  /** 128 and the signal's number for a process that a signal has ended, as shells say it. */
  readonly exitCode: number
  readonly truncated: boolean
  /** Processes that were still there when the command itself had ended, and were ended. */
  readonly leftovers: number
}

/** The entry in the environment by which every process of an action is found. */
export const actionMark = (actionId: ActionId): string => `DEED_ACTION=${actionId}`

/**
 * @throws {DeedError} `limit_exceeded`, which names the limit; `protected_path`, when it has made one; `effect_failed`
 *   when it could not start, and then nothing was done, or when its workspace was moved away; the signal's reason when
 *   that aborts. In each case none of its processes is left.
 */
export async function runCommand(sandbox: Sandbox, command: Command): Promise<Ended> {
  const { actionId, argv, stdin, talk, signal, onStart, onCutShort, secrets = {}, ...confined } = command
  signal.throwIfAborted()
  const env = { ...confined.env, DEED_ACTION: actionId }
  await using box = sandbox.open({ ...confined, argv, env, secrets })
  const child = await started(box, argv[0]!, stdin, talk !== undefined)
  const status = readStatus(child.stdio[STATUS_FD] as Readable, onStart)
  talk?.(child.stdin!, child.stdout!)
  const output = collect(talk ? undefined : child.stdout!, child.stderr!)
  const find = () => processesOf(box, sandbox, child, status, actionId)
  using watch = watchUse({
    workspace: command.workspace,
    processes: box.group ? undefined : () => descendantsOf(find()),
  })

  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const closed = once(child, 'close')
  const stop = Promise.withResolvers<'time'>()
  const onAbort = () => stop.resolve('time')
  signal.addEventListener('abort', onAbort, { once: true })
  // It may have come while the process was started.
  if (signal.aborted) onAbort()
  const first = await Promise.race([ended, stop.promise, output.tooMuch, watch.exceeded, watch.failed])
  signal.removeEventListener('abort', onAbort)
  const holders = sandbox.confines ? [child.pid!, sandbox.reaps ? 0 : (status.init?.pid ?? 0)] : []
  const all = first === 'time' ? () => descendantsOf(find()) : find
  const { ended: leftovers } = await endAll(all, first === 'time' ? GRACE_MS : 0, holders)
  const [code, by] = await ended
  const waited = new Promise((resolve) => setTimeout(resolve, STDIO_MS_MAX).unref())
  await Promise.race([closed, waited])
  // What the box has reported at the very end may name a process that was not known before.
  if (sandbox.confines) await endAll(find, 0)

  if (typeof first === 'string') onCutShort?.(output.taken())
  if (first === 'time') throw signal.reason
  if (first instanceof DeedError) throw first
  if (typeof first === 'string') throw exceeded(argv[0]!, first)
  const exitCode = code ?? 128 + constants.signals[by ?? 'SIGKILL']
  const limit = limitReached(box, exitCode)
  if (limit !== undefined) {
    onCutShort?.(output.taken())
    throw exceeded(argv[0]!, limit)
  }
  const broken = box.broken?.() ?? []
  if (broken.length > 0) {
    onCutShort?.(output.taken())
    throw protectedMade(argv[0]!, broken)
  }
  if (!status.launched || (sandbox.confines && code !== null && !status.init))
    throw notStarted(argv[0]!, output.taken().stderr.toString().trim().split('\n')[0] ?? '')
  return { ...output.taken(), exitCode, leftovers }
}

async function started(box: Box, program: string, stdin: string | undefined, talks: boolean): Promise<ChildProcess> {
  const input = stdin === undefined && !talks ? 'ignore' : 'pipe'
  const stdio: ('ignore' | 'pipe' | number)[] = [input, 'pipe', 'pipe', 'pipe']
  const fed: [number, Buffer][] = []
  for (const [fd, source] of box.descriptors) {
    while (stdio.length < fd) stdio.push('ignore')
    stdio[fd] = typeof source === 'number' ? source : 'pipe'
    if (typeof source !== 'number') fed.push([fd, source])
  }
  const [launcher = '', ...args] = box.argv
  const child = spawn(launcher, args, { cwd: box.cwd, env: { ...box.env }, detached: true, stdio })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw notStarted(program, (cause as Error).message, cause)
  }
  for (const [fd, bytes] of fed) feed(child.stdio[fd] as Writable, bytes)
  if (stdin !== undefined) feed(child.stdin!, stdin)
  return child
}

function feed(stream: Writable, content: Buffer | string): void {
  // A command that does not read its input closes it.
  stream.on('error', () => undefined)
  stream.end(content)
}

interface Status {
  /** The limits are set. */
  launched: boolean
  /** The first process of the box, on whose end the kernel ends all the others. */
  init: RunningProcess | undefined
  exitCode: number | undefined
}

/** What the launcher and bubblewrap tell on a descriptor of their own, which the command does not have. */
function readStatus(stream: Readable, onLaunched?: () => void): Status {
  const status: Status = { launched: false, init: undefined, exitCode: undefined }
  let text = ''
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (line === LAUNCHED) {
        status.launched = true
        onLaunched?.()
      }
      const child = /"child-pid": (\d+)/.exec(line)?.[1]
      if (child !== undefined) status.init = runningProcess(Number(child)) ?? GONE
      const exitCode = /"exit-code": (\d+)/.exec(line)?.[1]
      if (exitCode !== undefined) status.exitCode = Number(exitCode)
    }
  })
  return status
}

/** It has ended before it could be looked at. */
const GONE: RunningProcess = { pid: 0, parent: 0, session: 0, started: '', residentBytes: 0 }

/**
 * From where all processes of the command are found: the list of the kernel where there is a control group; the first
 * process of the box, without which none of the others lives; else the marked environment.
 */
function processesOf(
  box: Box,
  sandbox: Sandbox,
  child: ChildProcess,
  { init }: Status,
  actionId: ActionId,
): readonly RunningProcess[] {
  // It may not have entered the group yet.
  const outer = child.exitCode === null && child.signalCode === null ? runningProcess(child.pid!) : undefined
  if (box.group) return [outer, ...box.group.processes().map(runningProcess)].flatMap((one) => one ?? [])
  if (!sandbox.confines) return descendantsOf(processesMarked(actionMark(actionId)))
  // A process that loses its parent becomes a child of the first process, which therefore is to be the last.
  if (sandbox.reaps) return descendantsOf(outer ? [outer] : []).filter(({ pid }) => pid !== child.pid)
  return [outer, init && init !== GONE ? init : undefined].flatMap((one) => one ?? [])
}

/** What the kernel has ended or refused it for. */
function limitReached(box: Box, exitCode: number): Limit | undefined {
  if (exitCode === 128 + constants.signals.SIGXFSZ) return 'file size'
  if (exitCode === 128 + constants.signals.SIGXCPU) return 'processor time'
  const hit = box.group?.hit()
  // A program may live with a process that it could not start.
  return hit === 'processes' && exitCode === 0 ? undefined : hit
}

const exceeded = (program: string, limit: Limit) =>
  new DeedError(
    'limit_exceeded',
    limit === 'output'
      ? `${program} printed more than ${PRINTED_BYTES_MAX} bytes and was ended`
      : `${program} took more than it may: ${limit}`,
    { details: { limit, ...(limit === 'output' ? { truncated: true } : {}) } },
  )

const protectedMade = (program: string, paths: readonly string[]) =>
  new DeedError(
    'protected_path',
    `${program} has made or replaced ${paths.slice(0, 5).join(', ')}, which is protected: undo it. ${
      paths.some((path) => /(^|\/)\.git$/i.test(path))
        ? 'A program cannot make a repository here: clone it below /tmp and copy what is needed without its .git, or clone it yourself'
        : 'A program cannot make it here: write it yourself, or have the program leave it out'
    }`,
    { details: { paths: paths.slice(0, 100) } },
  )

const notStarted = (program: string, why: string, cause?: unknown) =>
  new DeedError('effect_failed', `${program} cannot be started: ${why}`, { cause, details: { started: false } })

function collect(...streams: (NodeJS.ReadableStream | undefined)[]) {
  const kept: Buffer[][] = streams.map(() => [])
  const cut = streams.map(() => false)
  let [printed, keptBytes] = [0, 0]
  const tooMuch = Promise.withResolvers<'output'>()
  streams.forEach((stream, index) => {
    stream?.on('error', () => undefined)
    stream?.on('data', (chunk: Buffer) => {
      printed += chunk.length
      const room = OUTPUT_BYTES_MAX - keptBytes
      if (room > 0) {
        const part = chunk.subarray(0, room)
        kept[index]!.push(part)
        keptBytes += part.length
      }
      if (chunk.length > room) cut[index] = true
      if (printed > PRINTED_BYTES_MAX) tooMuch.resolve('output')
    })
  })
  return {
    tooMuch: tooMuch.promise,
    taken: () => ({
      stdout: Buffer.concat(kept[0]!),
      stderr: Buffer.concat(kept[1]!),
      stdoutCut: cut[0]!,
      stderrCut: cut[1]!,
      truncated: printed > keptBytes,
    }),
  }
}
