/**
 * JSON-RPC with a program in the sandbox, a message a line: over its standard input and output, for as long as one
 * session lasts. A line has a bound, and so has all of them together; what is no message is passed over and remembered.
 */
import type { Readable, Writable } from 'node:stream'
import { decodeJson } from '@deed/json/decode'
import { DeedError } from '@deed/proto/errors'
import { type JSONRPCMessage, parseJSONRPCMessage, type Transport } from '@modelcontextprotocol/client'
import type { Command, Ended } from '../sandbox/run-command.ts'

export const LINE_BYTES_MAX = 4 * 1024 * 1024
const SAID_BYTES_MAX = 16 * 1024 * 1024
/** How long the program may take to end by itself once its input has. */
const END_MS_MAX = 1_000
const NEWLINE = 0x0a

export interface BoxTransport extends Transport {
  /** Why the session has ended, where it was not closed from here. */
  readonly fault: DeedError | undefined
  /** The first line that was no message. */
  readonly noise: string | undefined
}

/** @param run starts the program; the promise resolves when none of its processes is left */
export function boxTransport(run: (talk: Command['talk'], stop: AbortSignal) => Promise<Ended>): BoxTransport {
  const stop = new AbortController()
  let input: Writable | undefined
  let over: Promise<void> | undefined
  let [fault, noise]: [DeedError | undefined, string | undefined] = [undefined, undefined]

  const give = (line: Buffer) => {
    const message = messageOf(line)
    if (message) transport.onmessage?.(message)
    else if (line.length > 0) noise ??= line.subarray(0, 200).toString().toWellFormed()
  }
  const transport: BoxTransport = {
    get fault() {
      return fault
    },
    get noise() {
      return noise
    },
    start() {
      const started = Promise.withResolvers<void>()
      const talk = (stdin: Writable, stdout: Readable) => {
        // A program that has ended does not read what is sent to it; its end is reported below.
        stdin.on('error', () => undefined)
        input = stdin
        readLines(stdout, give, (reason) => {
          fault ??= reason
          stop.abort(reason)
        })
        started.resolve()
      }
      over = run(talk, stop.signal).then(
        ({ exitCode, stderr }) => {
          const last = stderr.toString().trim().split('\n').at(-1) ?? ''
          fault ??= new DeedError('unavailable', `the server ended with exit code ${exitCode}: ${last.slice(0, 500)}`)
        },
        (error: unknown) => {
          if (error instanceof DeedError) fault ??= error
          else started.reject(error)
        },
      )
      over = over
        .then(() => {
          started.reject(fault)
          transport.onclose?.()
        })
        .catch((error: unknown) => transport.onerror?.(error as Error))
      return started.promise
    },
    send(message) {
      return new Promise((resolve, reject) => {
        if (!input?.writable) reject(fault ?? new DeedError('unavailable', 'the server does not read any more'))
        else input.write(`${JSON.stringify(message)}\n`, () => resolve())
      })
    },
    async close() {
      input?.end()
      const timer = setTimeout(() => stop.abort(new DeedError('unavailable', 'the session has ended')), END_MS_MAX)
      await over
      clearTimeout(timer)
    },
  }
  return transport
}

/** @returns `undefined` for what is no single message of JSON-RPC */
function messageOf(line: Buffer): JSONRPCMessage | undefined {
  try {
    return parseJSONRPCMessage(decodeJson(line))
  } catch {
    return undefined
  }
}

function readLines(stream: Readable, give: (line: Buffer) => void, tooMuch: (reason: DeedError) => void): void {
  let parts: Buffer[] = []
  let [pending, said] = [0, 0]
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    said += chunk.length
    let rest = chunk
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      give(Buffer.concat([...parts, rest.subarray(0, end)]))
      parts = []
      pending = 0
      rest = rest.subarray(end + 1)
    }
    parts.push(rest)
    pending += rest.length
    if (pending <= LINE_BYTES_MAX && said <= SAID_BYTES_MAX) return
    stream.removeAllListeners('data').resume()
    parts = []
    tooMuch(tooLarge(pending > LINE_BYTES_MAX ? LINE_BYTES_MAX : SAID_BYTES_MAX))
  })
}

/** What a server says is larger than anybody would read. */
export const tooLarge = (bytes: number) =>
  new DeedError('limit_exceeded', `the server said more than ${bytes} bytes at once`, { details: { limit: 'output' } })
