/** Vectors of words by the model server, where there is one. Nothing waits long for it, and nothing fails without it. */
import type { Bus } from '@deed/mesh/bus'
import { EMBED_TEXTS_MAX, embedTexts } from '@deed/proto/model'
import type { Log } from '@deed/telemetry/logger'
import { readVector } from '@deed/text/vector'
import { LRUCache } from 'lru-cache'
import type { ModelVector } from '../entry/entry.ts'

export const BATCH_MAX = EMBED_TEXTS_MAX
/** A question is compared by the lexical vector rather than waiting longer. */
const QUESTION_MS_MAX = 100
/** What was asked for arrives later, too: the next question with these words finds it. */
const CALL_MS_MAX = 5_000
/** After a failure the server is not asked for this long. */
const PAUSE_MS = 15_000
const QUESTIONS_MAX = 500

export interface Embeddings {
  /** Of the last vectors. */
  readonly model: string | undefined

  /** Of a question; undefined if there is none in time. */
  ofQuestion(text: string): Promise<ModelVector | undefined>
  /** @param texts at most `BATCH_MAX` @returns one for each; undefined if there is no model server, or it failed */
  ofTexts(texts: readonly string[]): Promise<ModelVector[] | undefined>
}

interface Options {
  bus: Pick<Bus, 'call'>
  log: Log
  /** How long a question waits. */
  questionMsMax?: number
  pauseMs?: number
}

export function embeddings({ bus, log, questionMsMax = QUESTION_MS_MAX, pauseMs = PAUSE_MS }: Options): Embeddings {
  const questions = new LRUCache<string, Promise<ModelVector | undefined>>({ max: QUESTIONS_MAX })
  let pausedUntil = 0
  let last: string | undefined

  const ofTexts = async (texts: readonly string[]): Promise<ModelVector[] | undefined> => {
    if (performance.now() < pausedUntil) return undefined
    try {
      const reply = await bus.call(embedTexts, { texts: [...texts] }, { timeoutMs: CALL_MS_MAX, patient: false })
      if (reply.outcome === 'embedded') {
        const { model, dimensions } = reply
        const vectors = reply.vectors.flatMap((text) => {
          const values = readVector(Buffer.from(text, 'base64'), dimensions)
          return values ? [{ model, values }] : []
        })
        if (last !== model) questions.clear()
        last = model
        if (vectors.length === texts.length) return vectors
      }
      log.debug({ reason: reply.outcome === 'declined' ? reply.reason : 'no vectors' }, 'comparing by words alone')
    } catch (error) {
      log.debug({ err: error }, 'comparing by words alone')
    }
    pausedUntil = performance.now() + pauseMs
    return undefined
  }

  return {
    get model() {
      return last
    },
    ofTexts,
    async ofQuestion(text) {
      const asked = questions.get(text) ?? ofTexts([text]).then((vectors) => vectors?.[0])
      questions.set(text, asked)
      void asked.then((vector) => !vector && questions.delete(text))
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => late.resolve(undefined), questionMsMax)
      return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer))
    },
  }
}
