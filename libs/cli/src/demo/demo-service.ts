/** The demo's services, seen from outside: who answers, and is it the process that it says. */
import { spawn } from 'node:child_process'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { identify, isAlive, type ProcessIdentity } from '@deed/local/process-identity'
import { until } from '@deed/process/until'
import { z } from 'zod'

const ANSWER_MS_MAX = 1_000
const UP_MS_MAX = 15_000
const GRACE_MS = 3_000

export interface DemoService {
  name: string
  /** Answers who it is. */
  url: string
  /** Drawn for this demo: what else may listen on the port does not know it. */
  instance: string
}

const Answer = z.object({ service: z.string(), instance: z.string(), pid: z.int().min(1) })

/** Seen alive at some time; ended by force when the demo ends in a hurry. */
const met = new Map<number, ProcessIdentity>()
process.on('exit', () => {
  for (const one of met.values()) if (isAlive(one)) process.kill(one.pid, 'SIGKILL')
})

/** @returns the process that answers as this service, by its own word and by that of the operating system */
export async function processOf({ name, url, instance }: DemoService): Promise<ProcessIdentity | undefined> {
  let answer: unknown
  try {
    // A connection of its own: one that was kept open says nothing of who listens now.
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), headers: { connection: 'close' } })
    answer = await response.json()
  } catch {
    return undefined
  }
  const { data } = Answer.safeParse(answer)
  if (data?.service !== name || data.instance !== instance) return undefined
  const found = identify(data.pid)
  if (found) met.set(found.pid, found)
  return found
}

/** Starts the service as its target says, sees it answer, kills it, and sees it gone. @returns its process id */
export async function startAndKill(service: DemoService, { targets }: ExecutionConfig): Promise<number> {
  const target = targets[service.name]
  if (target?.type !== 'process') throw new Error(`${service.name} is no process that can be started`)
  const [program = '', ...args] = target.command
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd: target.cwd,
    env: { PATH: process.env.PATH, ...target.env },
    stdio: 'ignore',
  })
  const exited = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  exited.catch(() => undefined)
  const found = await until(() => processOf(service), { timeoutMs: UP_MS_MAX, what: `an answer of ${service.name}` })
  child.kill('SIGKILL')
  await exited
  await until(async () => (await processOf(service)) === undefined, { what: `the end of ${service.name}` })
  return found.pid
}

/** Ends the processes that answer as this service, with SIGTERM and then by force. */
export async function stopService(service: DemoService): Promise<void> {
  const found = await processOf(service)
  if (!found) return
  process.kill(found.pid, 'SIGTERM')
  const gone = { timeoutMs: GRACE_MS, what: `the end of ${service.name}` }
  try {
    await until(() => !isAlive(found), gone)
  } catch {
    if (isAlive(found)) process.kill(found.pid, 'SIGKILL')
    await until(() => !isAlive(found), gone)
  }
}
