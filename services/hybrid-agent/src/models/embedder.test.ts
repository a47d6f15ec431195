// The embedder against a server that speaks Ollama's protocol and fails on purpose.
import { readExecutionConfig } from '@deed/config/execution-config'
import { cosine } from '@deed/text/vector'
import { describe, expect, it } from 'vitest'
import { startFakeOllama } from '../../../../test/fake-ollama/start-fake-ollama.ts'
import { embedder } from './embedder.ts'

const never = new AbortController().signal
const { models: SETTINGS } = readExecutionConfig(undefined)

/** A server with a model that embeds, besides one that answers. */
async function server(
  embed: (texts: readonly string[], index: number) => unknown,
  models = ['a:7b', 'all-minilm:latest'],
) {
  const fake = await startFakeOllama({ models, answer: () => 'unused', embed })
  return {
    fake,
    embedder: embedder({ ...SETTINGS, ollama_host: fake.url }),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  }
}

const HOST = process.env.OLLAMA_HOST
describe.skipIf(!HOST)(
  `an Ollama that embeds${HOST ? '' : ' (skipped: needs a real one, whose address is in OLLAMA_HOST)'}`,
  () => {
    it('gives sentences of one meaning nearer vectors than others', async () => {
      const { vectors } = await embedder({ ...SETTINGS, ollama_host: HOST }).embed(
        ['how full is the disk?', 'how much space is left on the disk?', 'who won the match?'],
        never,
      )
      const [one, same, other] = vectors as [Float32Array, Float32Array, Float32Array]
      expect(cosine(one, same)).toBeGreaterThan(cosine(one, other))
    }, 600_000)
  },
)

describe('the embedder', () => {
  it('returns unit vectors with the name and build of the model that embeds', async () => {
    await using opened = await server((texts) => texts.map((text) => [text.length, 0, 0]))
    const { model, vectors } = await opened.embedder.embed(['a', 'bcd'], never)
    expect(model).toBe('all-minilm:latest@ffffffffffff')
    expect(vectors.map((vector) => [...vector])).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ])
    expect(opened.fake.embedded).toEqual([['a', 'bcd']])
  })

  it.each([
    ['sends no number', () => [[null, 1]]],
    ['sends a number beyond all floats', () => [[1.7e308, 1.7e308]]],
    ['sends words', () => [['NaN', '1']]],
    ['sends a vector without direction', () => [[0, 0]]],
    ['sends too few vectors', () => []],
    ['sends too many vectors', () => [[1], [2]]],
    ['sends endless vectors', () => [Array.from({ length: 5_000 }, () => 1)]],
    ['dies in the middle', () => 'cut'],
  ])('declines with the reason if the server %s', async (_, embed) => {
    await using opened = await server(embed)
    await expect(opened.embedder.embed(['a'], never)).rejects.toMatchObject({ code: 'model_failed' })
  })

  it('declines vectors of another length than the model had before', async () => {
    await using opened = await server((_, index) => [[1, ...Array.from({ length: index }, () => 1)]])
    await opened.embedder.embed(['a'], never)
    await expect(opened.embedder.embed(['a'], never)).rejects.toThrow(/different lengths/)
  })

  it('gives up at its deadline, and rests after several failures', async () => {
    await using opened = await server(() => 'hang')
    for (let call = 0; call < 3; call++) {
      const late = AbortSignal.timeout(200)
      await expect(opened.embedder.embed(['a'], late)).rejects.toThrow(/in time/)
    }
    await expect(opened.embedder.embed(['a'], never)).rejects.toThrow(/rests/)
    expect(opened.fake.embedded).toHaveLength(3)
  })

  it('declines what comes while it is busy', async () => {
    const stop = new AbortController()
    await using opened = await server(() => 'hang')
    const running = Array.from({ length: 4 }, () => opened.embedder.embed(['a'], stop.signal).catch(String))
    await expect(opened.embedder.embed(['a'], never)).rejects.toThrow(/busy/)
    stop.abort()
    await Promise.all(running)
  })

  it('says that there is no model that embeds, or no server', async () => {
    await using opened = await server(() => [], ['a:7b'])
    await expect(opened.embedder.embed(['a'], never)).rejects.toThrow(/no model that embeds/)
    const nowhere = embedder({ ...SETTINGS, ollama_host: 'http://127.0.0.1:1' })
    await expect(nowhere.embed(['a'], never)).rejects.toMatchObject({ code: 'model_failed' })
  })
})
