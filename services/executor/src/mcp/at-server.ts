/**
 * One session with an MCP server: opened for one read or one call, and closed with it. What the server says of itself and
 * of its tools is data: it is compared and hashed, and read by nobody who plans.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { hashJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import {
  type CallToolResult,
  Client,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { allowedHosts, openEgress } from '../http/egress-proxy.ts'
import { type Context, OBSERVE_ONLY, type World } from '../kind/kind.ts'
import { isPassingStatus } from '../kind/passing-faults.ts'
import { fillSecrets, secretVariables } from '../kind/secrets.ts'
import { findProgram, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import { runCommand } from '../sandbox/run-command.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { type BoxTransport, boxTransport } from './box-transport.ts'
import { traceCall } from './call-span.ts'
import type { McpTarget } from './mcp-target.ts'

export interface Server {
  /** SHA-256 of the list of tools: names, descriptions, schemas. */
  readonly toolsHash: string
  /** As it calls itself. */
  readonly name: string
  has(tool: string): boolean
  call(tool: string, args: JsonObject): Promise<CallToolResult>
}

const CLIENT = { name: 'deed', version: '1' }
const PROBE_MS_MAX = 3_000

/**
 * @throws {DeedError} `tool_changed` when the program or its tools are not what the configuration pins; `unavailable` when
 *   it ends or does not answer; `limit_exceeded`; `effect_failed` for what it refuses; the attempt's own end
 */
export async function atServer<T>(
  target: McpTarget,
  context: Pick<Context, 'world' | 'actionId' | 'action' | 'signal'>,
  work: (server: Server) => Promise<T>,
): Promise<T> {
  await using session = await openTransport(target, context)
  const { signal } = context
  const options = { signal, timeout: context.action.timeout_ms }
  // What comes back is a claim and proves nothing, so no schema of the server's own is run on it: its patterns could
  // be made to take for ever. Nobody here answers what a server asks for, either.
  const client = new Client(CLIENT, {
    jsonSchemaValidator: {
      getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
    },
    inputRequired: { autoFulfill: false },
    ...(target.command ? {} : { versionNegotiation: { mode: 'auto', probe: { timeoutMs: PROBE_MS_MAX } } }),
  })
  const named = (error: unknown) => {
    if (error instanceof DeedError) return error
    if (signal.aborted) return signal.reason
    return session.fault() ?? failureOf(error, session.noise())
  }
  try {
    await client.connect(session.transport, options)
    const { tools } = await client.listTools(undefined, options)
    const toolsHash = hashJson([...tools].sort((a, b) => (a.name < b.name ? -1 : 1)) as unknown[] as JsonObject[])
    if (target.tools_sha256 !== undefined && target.tools_sha256 !== toolsHash)
      throw new DeedError(
        'tool_changed',
        `the server has another list of tools than the one that is pinned; look at it, then set tools_sha256: ${toolsHash}`,
      )
    return await work({
      toolsHash,
      name: client.getServerVersion()?.name.slice(0, 100) ?? 'unknown',
      has: (tool) => tools.some(({ name }) => name === tool),
      call: (name, args) =>
        traceCall(name, client.getNegotiatedProtocolVersion(), (trace) =>
          client
            .callTool({ name, arguments: args, _meta: { 'deed/action-id': context.actionId, ...trace } }, options)
            .catch((error: unknown) => Promise.reject(named(error))),
        ),
    })
  } catch (error) {
    throw named(error)
  } finally {
    await client.close().catch(() => undefined)
  }
}

interface Session extends AsyncDisposable {
  readonly transport: Transport
  fault(): DeedError | undefined
  noise(): string | undefined
}

async function openTransport(target: McpTarget, context: Parameters<typeof atServer>[1]): Promise<Session> {
  const { world } = context
  if (target.command) return openProgram(target, target.command, context)
  const url = target.url ?? world.env[target.url_env ?? '']
  if (url === undefined || !URL.canParse(url))
    throw new DeedError('unavailable', `the environment variable ${target.url_env} of the target has no URL`)
  if (target.url_env !== undefined) registerSecret(url)
  const headers = Object.fromEntries(
    Object.entries(target.headers).map(([name, value]) => [name, fillSecrets(value, world)]),
  )
  let fault: DeedError | undefined
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: boundedFetch(headers, (why) => {
      if (why instanceof DeedError) fault ??= why
    }),
    // A session is one call: there is nothing to take up again.
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1_000,
      maxReconnectionDelay: 1_000,
      reconnectionDelayGrowFactor: 1,
    },
  })
  return {
    transport,
    fault: () => fault,
    noise: () => undefined,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => undefined)
      await transport.close()
    },
  }
}

async function openProgram(
  { cwd, reads, env, secrets, allow_hosts, files_sha256 }: McpTarget,
  [program = '', ...args]: readonly string[],
  { world, actionId, action, signal }: Parameters<typeof atServer>[1],
): Promise<Session> {
  await refuseChanged(cwd, files_sha256)
  const path = program.includes('/') ? resolve(cwd, program) : findProgram(program)
  if (path === undefined) throw new DeedError('command_not_allowed', `there is no program ${program} on this host`)
  const hosts = allowedHosts(allow_hosts, world)
  await using opened = new AsyncDisposableStack()
  const egress = hosts.length > 0 && world.sandbox.confines ? opened.use(await openEgress(hosts)) : undefined
  const transport: BoxTransport = boxTransport((talk, stop) =>
    runCommand(world.sandbox, {
      // What an attempt starts is found by its action's id; what an observation starts has an id of its own.
      actionId: actionId === OBSERVE_ONLY ? (randomUUID() as ActionId) : actionId,
      argv: [path, ...args],
      workspace: cwd,
      cwd,
      reads,
      env: { PATH: PROGRAM_FOLDERS.join(':'), HOME: cwd, LANG: 'C.UTF-8', ...env },
      secrets: secretVariables(secrets, world),
      timeoutMs: action.timeout_ms,
      egressSocket: egress?.socketPath,
      signal: AbortSignal.any([signal, stop]),
      ...(talk ? { talk } : {}),
    }),
  )
  const kept = opened.move()
  return {
    transport,
    fault: () => transport.fault,
    noise: () => transport.noise,
    async [Symbol.asyncDispose]() {
      await transport.close()
      await kept.disposeAsync()
    },
  }
}

/** @throws {DeedError} `tool_changed` */
async function refuseChanged(cwd: string, pinned: McpTarget['files_sha256']): Promise<void> {
  for (const [name, wanted] of Object.entries(pinned)) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(cwd, name)), hash).catch((cause: unknown) => {
      throw new DeedError('tool_changed', `the server's file ${name} cannot be read`, { cause })
    })
    const is = hash.digest('hex')
    if (is !== wanted)
      throw new DeedError(
        'tool_changed',
        `the server's file ${name} is not the one that is pinned; look at it, then set its files_sha256: ${is}`,
      )
  }
}

/** What confines the server's program; `undefined` where it does not run on this host. */
export const confinementOf = ({ command }: McpTarget, { sandbox }: Pick<World, 'sandbox'>): string | undefined =>
  command && sandbox.name

function failureOf(error: unknown, noise: string | undefined): DeedError {
  const said = noise === undefined ? '' : `; it also wrote what is no message: ${JSON.stringify(noise)}`
  const text = `${error instanceof Error ? error.message : String(error)}`.slice(0, 1_000).toWellFormed()
  if (error instanceof ProtocolError)
    return new DeedError('effect_failed', `the server refused: ${text}`, { details: { code: error.code } })
  if (error instanceof SdkHttpError && error.status >= 400 && !isPassingStatus(error.status))
    return new DeedError('effect_failed', `the server answered ${error.status}`, { details: { status: error.status } })
  return new DeedError('unavailable', `the server cannot be asked: ${text}${said}`, { cause: error })
}
