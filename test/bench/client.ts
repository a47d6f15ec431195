/**
 * The process of a client: enters the mesh as anybody would, asks in plain words, and believes no
 * reply that does not prove itself. What it speaks with is of the checkout whose mesh is measured.
 */

import type { Mesh } from '@deed/local/local-mesh'
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import type { ExecutionReply } from '@deed/proto/execution'
import { checkoutAt } from './checkout.ts'
import { type Load, load } from './load.ts'
import { contentOf, pathOf } from './written-files.ts'

/** write: a file that is not there yet, each time; submit: handed in durably. ask: the same question, each time. */
export type Work = 'write' | 'submit' | 'ask'

export type ClientJob =
  /** Answers `connected`. `run` names this load, so that no path and no words of another occur again. */
  | { type: 'connect'; checkout: string; connection: Mesh['connection']; work: Work; run: string; inFlight: number }
  /** Answers `loaded`, when nothing is in flight. */
  | { type: 'load'; durationMs: number }

export type ClientMessage =
  | { type: 'connected' }
  /** `misses` of them did not come from the cache. */
  | { type: 'loaded'; load: Load; misses: number; cpuSeconds: number }

const QUESTION = 'how many machines do we have?'

const tell = (message: ClientMessage): void => void process.send?.(message)
const connected = Promise.withResolvers<(durationMs: number) => Promise<void>>()

process.on('message', async (job: ClientJob) => {
  if (job.type === 'connect') connected.resolve(await connect(job))
  else await (await connected.promise)(job.durationMs)
})
process.once('disconnect', () => process.exit(0))

async function connect({ checkout, connection, work, run, inFlight }: Extract<ClientJob, { type: 'connect' }>) {
  const { connectBus, contract } = await checkoutAt(checkout).forClients()
  const { nats_url: url, nats_user: user, nats_password: password, nats_server_name: serverName } = connection
  const bus = await connectBus({ service: 'deed', url, user, password, serverName })
  const request = async (task: string) => prove(await bus.call(contract.requestExecution, { task }), task)
  let number = 0
  let misses = 0
  const once = {
    write: async () => void (await request(wordsOf(run, number++))),
    submit: () => submit(bus, contract.SUBMIT_SUBJECT, run, number++),
    ask: async () => {
      if (!(await request(QUESTION)).metrics.cache_hit) misses++
    },
  }[work]
  if (work === 'ask')
    await until(async () => (await request(QUESTION)).metrics.cache_hit, { what: 'the answer being kept' })
  tell({ type: 'connected' })
  return async (durationMs: number): Promise<void> => {
    misses = 0
    const from = process.cpuUsage()
    const loaded = await load(inFlight, durationMs, once)
    const cpu = process.cpuUsage(from)
    tell({ type: 'loaded', load: loaded, misses, cpuSeconds: (cpu.user + cpu.system) / 1e6 })
  }
}

const wordsOf = (run: string, number: number): string => `write "${contentOf(run, number)}" to ${pathOf(run, number)}`

/** Resolves with the acknowledgement. */
async function submit(bus: Bus, subject: string, run: string, number: number): Promise<void> {
  const request = JSON.stringify({ task: wordsOf(run, number) })
  await bus.nc.jetstream().publish(subject, request, { msgID: `${run}-${number}` })
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
