/**
 * The command-line clients by which other systems are reached: docker, kubectl, systemctl. They run as the operator would
 * run them, with the operator's own access, and never with an argument that a task could turn into an option.
 */
import { execFile } from 'node:child_process'
import { isAbsolute, join } from 'node:path'
import { faultLines, IN_SENTENCES } from '@deed/config/fault-sentence'
import { DeedError } from '@deed/proto/errors'
import type { z } from 'zod'
import type { World } from '../kind/kind.ts'
import { isExecutable } from '../processes/find-program.ts'

/** What of the executor's environment a client needs to find its system and who it is there. */
const PASSED_ON = [
  ...['PATH', 'HOME', 'KUBECONFIG', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH'],
  ...['DOCKER_TLS_VERIFY', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS', 'CLOUDSDK_CONFIG', 'AWS_PROFILE'],
]

const OUTPUT_BYTES_MAX = 8 * 1024 * 1024

export interface ClientEnded {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * @param codes exit codes that are answers; any other is thrown
 * @throws {DeedError} `unavailable` when there is no such client or its system cannot be reached, else `effect_failed`
 */
export function runClient(
  { env }: World,
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  codes: readonly number[] = [0],
): Promise<ClientEnded> {
  const path = (env.PATH ?? '')
    .split(':')
    .filter(isAbsolute)
    .map((folder) => join(folder, program))
    .find(isExecutable)
  if (path === undefined) throw new DeedError('unavailable', `there is no program ${program} on this host`)
  const passed = Object.fromEntries(
    PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name] as string]])),
  )
  return new Promise((resolve, reject) => {
    const options = {
      env: { ...passed, LANG: 'C.UTF-8' },
      maxBuffer: OUTPUT_BYTES_MAX,
      signal,
      killSignal: 'SIGKILL',
    } as const
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      const code = error ? error.code : 0
      if (signal.aborted) reject(signal.reason as Error)
      else if (typeof code !== 'number')
        reject(new DeedError('effect_failed', `${program} was ended: ${error?.message}`))
      else if (codes.includes(code)) resolve({ code, stdout, stderr })
      else reject(refusalOf(program, args, stderr))
    })
    child.stdin?.end()
  })
}

/**
 * What a client has printed as JSON, of this form.
 *
 * @throws {DeedError} `unavailable`, which names what is missing or of another form: nothing can be said by it
 */
export function parseAnswer<Schema extends z.ZodType>(program: string, schema: Schema, text: string): z.output<Schema> {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (cause) {
    throw new DeedError('unavailable', `${program} has not answered with JSON`, { cause })
  }
  const { data, error } = schema.safeParse(answer, IN_SENTENCES)
  if (error)
    throw new DeedError('unavailable', `what ${program} answers cannot be read: ${faultLines(error).join('; ')}`)
  return data as z.output<Schema>
}

const AWAY =
  /connection refused|no such host|i\/o timeout|TLS handshake timeout|cannot connect to the docker daemon|unable to connect to the server|was refused - did you specify the right host|failed to connect to bus/i

function refusalOf(program: string, args: readonly string[], stderr: string): DeedError {
  const text = `${program} ${args.find((arg) => !arg.startsWith('-')) ?? ''}: ${stderr.trim().slice(0, 1_000)}`
  return new DeedError(AWAY.test(stderr) ? 'unavailable' : 'effect_failed', text)
}
