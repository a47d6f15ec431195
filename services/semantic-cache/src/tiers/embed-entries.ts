/** Gives each stored answer a vector of its words, in batches, as far as there is a model server. */
import { every, type Periodic } from '@deed/process/every'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { forgetOtherVectors, readWithoutVector, storeVectors } from '../store/vectors.ts'
import { BATCH_MAX, type Embeddings } from './embeddings.ts'
import type { FollowedIndex } from './followed-index.ts'

const EVERY_MS = 60_000
/** Of one run. */
const BATCHES_MAX = 20

interface Options {
  store: Pick<Store<unknown>, 'pool'>
  index: Pick<FollowedIndex, 'embed'>
  embeddings: Embeddings
  /** Identifies this process in messages between replicas. */
  origin: string
  log: Log
}

/** `again()` after an answer was stored. A new model, or another build of it, makes all vectors again. */
export function embedEntries({ store: { pool }, index, embeddings, origin, log }: Options): Periodic {
  let model: string | undefined
  const forgetOthers = async (): Promise<void> => {
    const now = embeddings.model
    if (now === undefined || now === model) return
    const forgotten = await forgetOtherVectors(pool, now)
    if (forgotten > 0) log.info({ model: now, forgotten }, 'vectors of another model are made again')
    model = now
  }
  const run = async (): Promise<void> => {
    await forgetOthers()
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const waiting = await readWithoutVector(pool, BATCH_MAX)
      if (waiting.length === 0) return
      const vectors = await embeddings.ofTexts(waiting.map(({ text }) => text))
      if (!vectors) return
      const items = waiting.map((entry, at) => ({ ...entry, vector: vectors[at]! }))
      await forgetOthers()
      await storeVectors(pool, origin, items)
      for (const { hash, vector } of items) index.embed(hash, vector)
    }
  }
  return every(EVERY_MS, run, { failed: 'giving stored answers vectors failed', log, firstMs: 0 })
}
