/** The refactoring engine in a process of its own: it is there as long as one answer takes, and the executor stays small. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { DeedError } from '@deed/proto/errors'
import { type EngineChanges, EngineReply, type EngineRequest } from './refactoring.ts'

const MAIN = fileURLToPath(new URL(`./engine/main${MODULE_EXTENSION}`, import.meta.url))
const MEMORY_MB_MAX = 2_048
const REPLY_BYTES_MAX = 256 * 1024 * 1024
const ERROR_CHARS_MAX = 500

/**
 * Computes what a refactoring changes. Nothing is written.
 *
 * @throws {DeedError} `not_found`, `invalid_request`, `precondition_failed` where it is refused; `effect_failed` where the
 *   engine fails; the signal's reason
 */
export async function askEngine(request: EngineRequest, signal: AbortSignal): Promise<EngineChanges> {
  const addons = request.refactoring.operation === 'rewrite_pattern' ? ['--allow-addons'] : []
  // It reads source files and its own modules; it writes nothing and starts nothing, which Node sees to.
  const flags = ['--permission', '--allow-fs-read=*', ...addons, '--disable-warning=PERM0001']
  const child = spawn(process.execPath, [...flags, `--max-old-space-size=${MEMORY_MB_MAX}`, MAIN], {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const onAbort = () => child.kill('SIGKILL')
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const closed = once(child, 'close') as Promise<[number | null]>
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(request))
    const [out, err] = [collected(child.stdout, onAbort), collected(child.stderr, onAbort)]
    const [code] = await closed
    signal.throwIfAborted()
    if (code !== 0) {
      const why = err().trim().slice(-ERROR_CHARS_MAX)
      throw new DeedError('effect_failed', `the refactoring engine has failed, and nothing was changed: ${why}`)
    }
    const reply = EngineReply.parse(JSON.parse(out()))
    if ('refused' in reply) throw new DeedError(reply.code, reply.refused)
    return reply
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function collected(stream: NodeJS.ReadableStream, onTooMuch: () => void): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > REPLY_BYTES_MAX) onTooMuch()
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString()
}
