import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { type embedTexts as contract, EMBED_CHARS_MAX } from '@deed/proto/model'
import { redact } from '@deed/telemetry/redact'
import { vectorText } from '@deed/text/vector'
import type { Embedder } from '../models/embedder.ts'

/** Of the deadline, so that the reply arrives within it. */
const SHARE_OF_TIME = 0.9

/** No secret reaches the model. */
export function embedTexts({ embedder }: { embedder: Embedder }): Handler<typeof contract> {
  return async ({ texts }, { signal, deadline }) => {
    const late = AbortSignal.timeout(Math.max(1, Math.floor((deadline - performance.now()) * SHARE_OF_TIME)))
    const clean = texts.map((text) => redact(text).slice(0, EMBED_CHARS_MAX))
    try {
      const { model, vectors } = await embedder.embed(clean, AbortSignal.any([signal, late]))
      return { outcome: 'embedded', model, dimensions: vectors[0]!.length, vectors: vectors.map(vectorText) }
    } catch (error) {
      if (error instanceof DeedError && error.code === 'model_failed')
        return { outcome: 'declined', reason: error.message.slice(0, 1_024) }
      throw error
    }
  }
}
