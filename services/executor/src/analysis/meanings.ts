/**
 * Vectors by the local model that embeds, where there is one: of what is looked for, and of the places of a folder. Places
 * are read in batches, and further on after the answer; what the model has read is on disk.
 */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { EMBED_CHARS_MAX, EMBED_TEXTS_MAX, embedTexts } from '@deed/proto/model'
import type { Log } from '@deed/telemetry/logger'
import { redact } from '@deed/telemetry/redact'
import { readVector } from '@deed/text/vector'
import type { Workspace } from '../workspace/workspace.ts'
import type { Analyst } from './analyst.ts'
import type { QueryVector } from './nearest-places.ts'

/** The words of a search wait so long for their vector. */
const WORDS_MS_MAX = 3_000
const BATCH_MS_MAX = 20_000
/** An answer waits so long for places that have no vector yet. */
const FILL_MS_MAX = 2_000
/** Of one run: a request after it continues. */
const PLACES_MAX = 5_000

export interface Meanings extends AsyncDisposable {
  /** @param msMax how long it may take @returns or why there is none */
  ofWords(words: string, msMax: number, signal: AbortSignal): Promise<QueryVector | { readonly why: string }>
  /** Begins to read the places of the folder that the model has not read, or continues; resolves after a while. */
  read(workspace: Workspace, model: string, signal: AbortSignal): Promise<void>
}

interface Options {
  bus: Pick<Bus, 'call'>
  analyst: Pick<Analyst, 'textsToEmbed' | 'putVectors'>
  log: Log
  fillMs?: number
}

export function openMeanings({ bus, analyst, log, fillMs = FILL_MS_MAX }: Options): Meanings {
  const stop = new AbortController()
  /** By folder: one run at a time. */
  const runs = new Map<string, Promise<void>>()

  /** @throws {DeedError} with why there are none */
  const embed = async (texts: readonly string[], timeoutMs: number, signal: AbortSignal) => {
    const clean = texts.map((text) => redact(text).slice(0, EMBED_CHARS_MAX))
    const reply = await bus.call(embedTexts, { texts: clean }, { timeoutMs, signal, patient: false })
    if (reply.outcome === 'declined') throw new DeedError('model_failed', reply.reason)
    const { model, dimensions } = reply
    const vectors = reply.vectors.flatMap((text) => readVector(Buffer.from(text, 'base64'), dimensions) ?? [])
    if (vectors.length !== texts.length) throw new DeedError('model_failed', 'the agent sent what are no vectors')
    return { model, vectors }
  }

  const run = async (workspace: Workspace, model: string): Promise<void> => {
    const { signal } = stop
    for (let read = 0; read < PLACES_MAX; read += EMBED_TEXTS_MAX) {
      const texts = await analyst.textsToEmbed({ workspace, model, max: EMBED_TEXTS_MAX }, signal)
      if (texts.length === 0) return
      const { model: made, vectors } = await embed(
        texts.map(({ text }) => text),
        BATCH_MS_MAX,
        signal,
      )
      // Another model meanwhile: the next request begins again with it.
      if (made !== model) return
      await analyst.putVectors({ workspace, model, vectors: texts.map(({ hash }, at) => [hash, vectors[at]!]) }, signal)
    }
  }

  return {
    async ofWords(words, msMax, signal) {
      try {
        const { model, vectors } = await embed([words], Math.min(WORDS_MS_MAX, msMax), signal)
        return { model, values: vectors[0]! }
      } catch (error) {
        if (!(error instanceof DeedError) || signal.aborted) throw error
        return { why: error.message.slice(0, 1_024) }
      }
    },
    async read(workspace, model, signal) {
      const key = JSON.stringify([workspace.root, workspace.base])
      const running =
        runs.get(key) ??
        run(workspace, model)
          .catch((error: unknown) => {
            if (!stop.signal.aborted) log.warn({ err: error }, 'reading places by meaning ended')
          })
          .finally(() => runs.delete(key))
      runs.set(key, running)
      const late = AbortSignal.any([signal, AbortSignal.timeout(fillMs)])
      const { promise, resolve } = Promise.withResolvers<void>()
      late.addEventListener('abort', () => resolve(), { once: true })
      await Promise.race([running, promise])
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all(runs.values())
    },
  }
}
