/** The thread of `analyst.ts`: it has the indexes of the roots, and answers one request after the other. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { DeedError } from '@deed/proto/errors'
import { registerSecretsOf } from '@deed/telemetry/redact'
import { registerSecrets } from '../kind/secrets.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { AnalysisReply, AnalysisRequest, ThreadData } from './analyst.ts'
import { findPlaces } from './find-places.ts'
import { textsToEmbed } from './nearest-places.ts'
import { scan } from './scan.ts'
import { openIndex, type SourceIndex } from './source-index.ts'
import { indexState, summarize } from './summarize.ts'

const { dataFolder, secrets, env } = workerData as ThreadData
const world = { dataFolder }
const indexes = new Map<string, SourceIndex>()
// What is registered in the other thread is not known in this one.
registerSecretsOf(env)
registerSecrets({ secrets }, env)

let before = Promise.resolve()
parentPort?.on('message', (request: AnalysisRequest) => {
  before = before.then(async () => parentPort?.postMessage(await reply(request)))
})

async function reply(request: AnalysisRequest): Promise<AnalysisReply> {
  const { id } = request
  try {
    return { id, answer: await answer(request) }
  } catch (error) {
    if (error instanceof DeedError) return { id, error: error.body }
    return { id, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function answer({ workspace, ignored, budgetMs, work }: AnalysisRequest): Promise<unknown> {
  const startedAt = performance.now()
  const index = indexOf(workspace)
  if ('max' in work) return textsToEmbed(index, workspace, work, world)
  if ('vectors' in work) return index.putVectors(work.model, new Map(work.vectors))
  const scanned = await scan(workspace, index, { world, ignored, endsAt: startedAt + budgetMs })
  const base = workspace.base.join('/')
  if ('words' in work) {
    const vectors = work.vector && index.countVectors(work.vector.model, base)
    return { ...findPlaces(index, workspace, work, world), index: indexState(scanned, startedAt), vectors }
  }
  return summarize({ index, base, scanned, startedAt, ...work })
}

/** All folders of a root share one. */
function indexOf({ root }: Workspace): SourceIndex {
  const known = indexes.get(root)
  if (known) return known
  const folder = join(dataFolder, 'source-indexes')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const index = openIndex(join(folder, `${createHash('sha256').update(root).digest('hex').slice(0, 32)}.sqlite`))
  indexes.set(root, index)
  return index
}
