/**
 * One command from start to end: no shell, a clean environment, bounded time and output, and none of its processes left
 * when it is reported ended.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { endTree } from './end-tree.ts'
import { findProgram } from './sandbox.ts'

/** What is kept of the output. */
export const OUTPUT_BYTES_MAX = 1024 * 1024
/** A command that prints more is ended. */
const PRINTED_BYTES_MAX = 64 * 1024 * 1024
const FILE_BYTES_MAX = 1024 * 1024 * 1024
const STDIO_MS_MAX = 2_000
/** Between SIGTERM and SIGKILL when its time is up. */
const GRACE_MS = 2_000

export interface Command {
  readonly actionId: ActionId
  /** The program with its path, and its arguments as they are. */
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string | undefined
  readonly signal: AbortSignal
}

export interface Ended {
  /** 128 and the signal's number for a process that a signal has ended, as shells say it. */
  readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly truncated: boolean
  /** Processes that were still there when the command itself had ended, and were ended. */
  readonly leftovers: number
}

/** The entry in the environment by which every process of an action is found. */
export const actionMark = (actionId: ActionId): string => `DEED_ACTION=${actionId}`

/**
 * @throws {DeedError} `limit_exceeded` when it printed too much, `effect_failed` when it could not start; the signal's
 *   reason when that aborts. In each case none of its processes is left.
 */
export async function runCommand({ actionId, argv, cwd, env, stdin, signal }: Command): Promise<Ended> {
  signal.throwIfAborted()
  const [program = '', ...args] = limited(argv)
  const child = spawn(program, args, {
    cwd,
    env: { ...env, DEED_ACTION: actionId },
    detached: true,
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const mark = [actionMark(actionId)]
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const closed = once(child, 'close').catch(() => undefined)
  ended.catch(() => undefined)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new DeedError('effect_failed', `${argv[0]} cannot be started: ${(cause as Error).message}`, { cause })
  }
  crashPoint('executor.mid_effect')
  const output = collect(child.stdout!, child.stderr!)
  // A command that does not read its input closes it.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(stdin)

  const stop = Promise.withResolvers<'stop'>()
  const onAbort = () => stop.resolve('stop')
  signal.addEventListener('abort', onAbort, { once: true })
  const first = await Promise.race([ended, stop.promise, output.tooMuch])
  signal.removeEventListener('abort', onAbort)
  const leftovers = await endTree(mark, first === 'stop' ? GRACE_MS : 0)
  const [code, by] = await ended
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, STDIO_MS_MAX).unref())])
  if (first === 'stop') throw signal.reason
  if (first === 'too much')
    throw new DeedError('limit_exceeded', `${argv[0]} printed more than ${PRINTED_BYTES_MAX} bytes and was ended`)
  return { ...output.taken(), exitCode: code ?? 128 + constants.signals[by ?? 'SIGKILL'], leftovers }
}

/** No core files, no file larger than 1 GB. Other limits need a sandbox, or a user of its own. */
function limited(argv: readonly string[]): string[] {
  const prlimit = findProgram('prlimit')
  return prlimit === undefined ? [...argv] : [prlimit, '--core=0', `--fsize=${FILE_BYTES_MAX}`, '--', ...argv]
}

function collect(...streams: NodeJS.ReadableStream[]) {
  const kept: Buffer[][] = streams.map(() => [])
  let [printed, keptBytes] = [0, 0]
  const tooMuch = Promise.withResolvers<'too much'>()
  streams.forEach((stream, index) => {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.length
      const room = OUTPUT_BYTES_MAX - keptBytes
      if (room > 0) {
        const part = chunk.subarray(0, room)
        kept[index]!.push(part)
        keptBytes += part.length
      }
      if (printed > PRINTED_BYTES_MAX) tooMuch.resolve('too much')
    })
  })
  return {
    tooMuch: tooMuch.promise,
    taken: () => ({
      stdout: Buffer.concat(kept[0]!),
      stderr: Buffer.concat(kept[1]!),
      truncated: printed > keptBytes,
    }),
  }
}
