/**
 * The process of a client: enters the mesh as anybody would, asks in plain words, and believes no
 * reply that does not prove itself.
 */

import type { Mesh } from '@deed/local/local-mesh'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { type ExecutionReply, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { load, type Measured } from './load.ts'
import { contentOf, pathOf } from './written-files.ts'

export type ClientJob =
  | {
      type: 'load'
      connection: Mesh['connection']
      /** write: a file that is not there yet, each time; submit: handed in durably. ask: the same question, each time. */
      work: 'write' | 'submit' | 'ask'
      /** Names this load, so that no path and no words of another occur again. */
      run: string
      inFlight: number
      warmUpMs: number
      measureMs: number
    }
  /** Answers `ready`. */
  | { type: 'go' }

export type ClientMessage =
  /** The warm-up has ended and nothing is in flight; continues on `go`. */
  { type: 'ready'; warmUps: number } | { type: 'measured'; measured: Measured; misses: number; cpuSeconds: number }

const QUESTION = 'how many machines do we have?'

const tell = (message: ClientMessage): void => void process.send?.(message)
const go = Promise.withResolvers<void>()

process.on('message', (job: ClientJob) => {
  if (job.type === 'go') go.resolve()
  else void run(job)
})
process.once('disconnect', () => process.exit(0))

async function run(job: Extract<ClientJob, { type: 'load' }>): Promise<void> {
  const { nats_url: url, nats_user: user, nats_password: password, nats_server_name: serverName } = job.connection
  await using bus = await connectBus({ service: 'deed', url, user, password, serverName })
  let warmUps = 0
  let misses = 0
  let cpuFrom = process.cpuUsage()
  if (job.work === 'ask') {
    await until(async () => (await ask(bus)).metrics.cache_hit, { what: 'the answer being kept' })
  }
  const measured = await load(
    {
      ...job,
      beforeMeasuring: async () => {
        tell({ type: 'ready', warmUps })
        await go.promise
        cpuFrom = process.cpuUsage()
      },
    },
    async (number, counts) => {
      if (!counts) warmUps++
      if (job.work === 'write') await write(bus, job.run, number)
      else if (job.work === 'submit') await submit(bus, job.run, number)
      else if (!(await ask(bus)).metrics.cache_hit) misses++
    },
  )
  const { user: userMicroseconds, system } = process.cpuUsage(cpuFrom)
  tell({ type: 'measured', measured, misses, cpuSeconds: (userMicroseconds + system) / 1e6 })
}

const wordsOf = (run: string, number: number): string => `write "${contentOf(run, number)}" to ${pathOf(run, number)}`

/** Resolves with the acknowledgement. */
async function submit(bus: Bus, run: string, number: number): Promise<void> {
  const request = JSON.stringify({ task: wordsOf(run, number) })
  await bus.nc.jetstream().publish(SUBMIT_SUBJECT, request, { msgID: `${run}-${number}` })
}

async function write(bus: Bus, run: string, number: number): Promise<void> {
  const task = wordsOf(run, number)
  prove(await bus.call(requestExecution, { task }), task)
}

async function ask(bus: Bus): Promise<ExecutionReply> {
  return prove(await bus.call(requestExecution, { task: QUESTION }), QUESTION)
}

/** @throws when the reply does not say, with evidence, that it was done */
function prove(reply: ExecutionReply, task: string): ExecutionReply {
  const { status, metrics, verification } = reply
  const proven = verification.length > 0 && verification.every(({ outcome }) => outcome === 'verified')
  if (status !== 'done' || !metrics.success || !proven) {
    throw new Error(`${task} was answered with ${JSON.stringify(reply)}`)
  }
  return reply
}
