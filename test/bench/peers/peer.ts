/**
 * The process of a durable execution elsewhere, worker and caller in one. Each execution writes a file of 64 bytes and
 * syncs it, reads it again, and returns; each of the three steps is kept before the next one begins.
 */
import { mkdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Load, load } from '../load.ts'
import { contentOf, pathOf } from '../written-files.ts'

export type PeerName = 'bullmq' | 'dbos'

export type PeerJob =
  /** Answers `ready`. `packages` is the folder with its node_modules, `url` that of its database. */
  | { type: 'start'; peer: PeerName; packages: string; url: string; workspace: string; run: string; inFlight: number }
  /** Answers `loaded`, when nothing is in flight. */
  | { type: 'load'; durationMs: number }

export type PeerMessage = { type: 'ready' } | { type: 'loaded'; load: Load }

type Execute = (number: number) => Promise<unknown>
type Start = Extract<PeerJob, { type: 'start' }>

const tell = (message: PeerMessage): void => void process.send?.(message)
const started = Promise.withResolvers<(durationMs: number) => Promise<Load>>()

process.once('disconnect', () => process.exit(0))
// What these libraries warn of is theirs.
process.removeAllListeners('warning')
process.on('message', async (job: PeerJob) => {
  if (job.type === 'load') return tell({ type: 'loaded', load: await (await started.promise)(job.durationMs) })
  const execute = job.peer === 'bullmq' ? await startBullmq(job) : await startDbos(job)
  let number = 0
  started.resolve((durationMs) => load(job.inFlight, durationMs, async () => void (await execute(number++))))
  tell({ type: 'ready' })
})

/** What each execution does. */
function stepsOf({ workspace, run }: Start, number: number) {
  const path = join(workspace, pathOf(run, number))
  return {
    async write(): Promise<string> {
      mkdirSync(dirname(path), { recursive: true })
      await using file = await open(path, 'w')
      await file.writeFile(contentOf(run, number))
      await file.sync()
      return path
    },
    async verify(): Promise<boolean> {
      return (await readFile(path, 'utf8')) === contentOf(run, number)
    },
  }
}

interface Bullmq {
  Queue: new (name: string, options: object) => { add(name: string, data: object): Promise<BullmqJob> }
  QueueEvents: new (name: string, options: object) => { waitUntilReady(): Promise<unknown> }
  Worker: new (name: string, work: (job: BullmqJob) => Promise<unknown>, options: object) => unknown
}

interface BullmqJob {
  data: { number: number }
  updateData(data: object): Promise<void>
  waitUntilFinished(events: object): Promise<unknown>
}

/** A job whose steps are kept in its data, as its documentation has it. */
async function startBullmq(job: Start): Promise<Execute> {
  const { Queue, QueueEvents, Worker } = await imported<Bullmq>(job, 'bullmq')
  const { hostname: host, port } = new URL(job.url)
  const connection = { host, port: Number(port), maxRetriesPerRequest: null }
  const events = new QueueEvents('bench', { connection })
  await events.waitUntilReady()
  const work = async ({ data: { number }, updateData }: BullmqJob, update: typeof updateData): Promise<boolean> => {
    const { write, verify } = stepsOf(job, number)
    await update({ number, step: 'planned' })
    await write()
    await update({ number, step: 'written' })
    return verify()
  }
  new Worker('bench', (one) => work(one, one.updateData.bind(one)), { connection, concurrency: job.inFlight })
  const queue = new Queue('bench', { connection })
  return async (number) => proven(await (await queue.add('write', { number })).waitUntilFinished(events), number)
}

interface Dbos {
  DBOS: {
    setConfig(config: object): void
    registerWorkflow<T>(workflow: T, options: object): T
    runStep<T>(step: () => Promise<T>, options: object): Promise<T>
    launch(): Promise<void>
  }
}

async function startDbos(job: Start): Promise<Execute> {
  const { DBOS } = await imported<Dbos>(job, '@dbos-inc/dbos-sdk')
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: job.url, runAdminServer: false, logLevel: 'error' })
  const workflow = DBOS.registerWorkflow(
    async (number: number): Promise<boolean> => {
      const { write, verify } = stepsOf(job, number)
      await DBOS.runStep(async () => 'planned', { name: 'plan' })
      await DBOS.runStep(write, { name: 'write' })
      return DBOS.runStep(verify, { name: 'verify' })
    },
    { name: 'write' },
  )
  await DBOS.launch()
  return async (number) => proven(await workflow(number), number)
}

function proven(verified: unknown, number: number): void {
  if (verified !== true) throw new Error(`execution ${number} ended with ${JSON.stringify(verified)}`)
}

async function imported<Module>({ packages }: Start, name: string): Promise<Module> {
  return import(pathToFileURL(createRequire(join(packages, 'package.json')).resolve(name)).href)
}
