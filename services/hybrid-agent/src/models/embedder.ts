/** Vectors of texts by the local model that embeds: it costs nothing, so no budget is charged. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import { DIMENSIONS_MAX } from '@deed/proto/model'
import { unitVector } from '@deed/text/vector'
import { Ollama } from 'ollama'
import { z } from 'zod'
import { boundedFetch, named } from './bounded-fetch.ts'
import { categoriesOf } from './categories.ts'
import { circuitBreaker } from './circuit-breaker.ts'

/** A model is chosen again after this long; one that was installed meanwhile is found then. */
const CHOICE_MS = 30_000
/** Further ones are declined: the server also answers tasks. */
const AT_ONCE_MAX = 4
/** Of the name in a vector's model. */
const BUILD_CHARS = 12

export interface Embedded {
  /** Name and build. */
  readonly model: string
  /** One for each text, all of one length, unit vectors. */
  readonly vectors: readonly Float32Array[]
}

export interface Embedder {
  /** @throws {DeedError} model_failed with the reason: none is installed, it rests, is busy, late, or sent no vectors */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Embedded>
}

type Settings = Pick<ExecutionConfig['models'], 'ollama_host' | 'categories' | 'prices' | 'preferred_local'>

interface Choice {
  readonly name: string
  readonly model: string
}

const Vectors = z.array(z.array(z.number()).min(1).max(DIMENSIONS_MAX))
/** One breaker for the server, whatever its model. */
const SERVER = 'embedding'

/** @param choiceMs for how long a choice of the model holds */
export function embedder(settings: Settings, choiceMs = CHOICE_MS): Embedder {
  const breaker = circuitBreaker()
  const dimensions = new Map<string, number>()
  let choice: { readonly untilMs: number; readonly model: Choice | undefined } | undefined
  let running = 0
  const client = (signal: AbortSignal): Ollama =>
    new Ollama({ ...defined({ host: settings.ollama_host }), fetch: boundedFetch(signal) })

  const choose = async (signal: AbortSignal): Promise<Choice> => {
    if (!choice || performance.now() >= choice.untilMs) {
      const { models } = await client(signal).list()
      const found = models
        .map(({ name, size, digest }) => ({ name, provider: 'ollama' as const, bytes: size, digest }))
        .filter(
          (model) => categoriesOf(model, settings).includes('embedding') && !Object.hasOwn(settings.prices, model.name),
        )
        .toSorted(
          (a, b) =>
            rank(a.name, settings) - rank(b.name, settings) || a.bytes - b.bytes || a.name.localeCompare(b.name),
        )[0]
      const model = found && { name: found.name, model: `${found.name}@${found.digest.slice(0, BUILD_CHARS)}` }
      choice = { untilMs: performance.now() + choiceMs, model }
    }
    if (!choice.model) throw new DeedError('model_failed', 'the model server has no model that embeds')
    return choice.model
  }

  const ask = async (texts: readonly string[], signal: AbortSignal): Promise<Embedded> => {
    const { name, model } = await choose(signal)
    // A text that is too long for the model is cut by the server: its beginning says what it is about.
    const { embeddings } = await client(signal).embed({ model: name, input: [...texts], truncate: true })
    const vectors = readVectors(embeddings, texts.length)
    const length = vectors[0]?.length ?? 0
    const before = dimensions.get(model) ?? length
    if (vectors.some((vector) => vector.length !== before))
      throw new DeedError('model_failed', `${name} sent vectors of different lengths`)
    dimensions.set(model, before)
    return { model, vectors }
  }

  return {
    async embed(texts, signal) {
      if (running >= AT_ONCE_MAX) throw new DeedError('model_failed', 'the model that embeds is busy')
      if (!breaker.mayAsk(SERVER, performance.now()))
        throw new DeedError('model_failed', 'the model that embeds has failed several times, and rests')
      running++
      try {
        const embedded = await named(() => ask(texts, signal))
        breaker.succeeded(SERVER)
        return embedded
      } catch (error) {
        choice = undefined
        breaker.failed(SERVER, performance.now())
        throw error
      } finally {
        running--
      }
    },
  }
}

function readVectors(sent: unknown, count: number): Float32Array[] {
  const { data } = Vectors.length(count).safeParse(sent)
  try {
    if (data) return data.map(unitVector)
  } catch {
    // Of length 0, or infinite.
  }
  throw new DeedError('model_failed', 'the model that embeds sent what is not one vector for each text')
}

/** `nomic-embed-text` means `nomic-embed-text:latest`, as in Ollama. */
function rank(name: string, { preferred_local: preferred }: Settings): number {
  const place = preferred.findIndex((wanted) => wanted === name || `${wanted}:latest` === name)
  return place >= 0 ? place : preferred.length
}
