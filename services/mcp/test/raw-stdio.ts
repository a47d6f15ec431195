/** `deed mcp` as a process whose standard output is read line by line, without a library that would forgive anything. */
import { type ChildProcess, spawn } from 'node:child_process'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { until } from '@deed/process/until'

export interface Schema {
  readonly type?: string
  readonly $schema?: string
  readonly properties?: Record<string, Schema>
  readonly items?: Schema
}

export interface ListedTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: Schema
  readonly outputSchema: Schema
  readonly annotations: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean }
}

/** What the tests read of an answer. */
interface Reply {
  readonly id?: number
  readonly result: { isError?: boolean; content: { text: string }[]; tools: ListedTool[] }
  readonly error: { code: number }
}

/** A process starts late on a busy machine. */
const ANSWER_MS_MAX = 240_000

export interface RawServer extends Disposable {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  /** The whole lines of standard output so far. */
  lines(): string[]
  stderr(): string
  send(text: string): void
  /** @returns the message with this id, once it is there */
  answer(id: number): Promise<Reply>
  /** Sends a request of the revision 2025-11-25. */
  ask(id: number, method: string, params?: object): Promise<Reply>
}

export function rawServer(args: readonly string[], env: Record<string, string>): RawServer {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<number | null>((end) => child.once('close', end))
  const lines = (): string[] => stdout.split('\n').slice(0, -1)
  const find = (id: number) =>
    lines()
      .map((line) => JSON.parse(line) as Reply)
      .find((one) => one.id === id)
  const send = (text: string): void => void child.stdin.write(`${text}\n`)
  const answer = async (id: number): Promise<Reply> => {
    await until(async () => find(id) !== undefined, { what: `an answer to ${id}`, timeoutMs: ANSWER_MS_MAX })
    return find(id) as Reply
  }
  return {
    ...{ child, ended, lines, send, answer, stderr: () => stderr },
    async ask(id, method, params = {}) {
      send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      return answer(id)
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

/** As a client of the revision 2025-11-25 begins. */
export async function initialize(server: RawServer): Promise<void> {
  const clientInfo = { name: 'raw', version: '1' }
  await server.ask(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
  server.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
}
