// The client against a server that speaks Ollama's protocol and fails on purpose.
import { describe, expect, it } from 'vitest'
import { type FakeAnswer, startFakeOllama } from '../../../../test/fake-ollama/start-fake-ollama.ts'
import { ollamaServer } from './ollama.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]
const never = new AbortController().signal

const HOST = process.env.OLLAMA_HOST
describe.skipIf(!HOST)(
  `an Ollama${HOST ? '' : ' (skipped: needs a real one, whose address is in OLLAMA_HOST)'}`,
  () => {
    it('lists its models, answers into a schema with its usage, and stops when it is told to', async () => {
      const server = ollamaServer(HOST)
      const models = (await server.list(never)).filter(({ name }) => !/embed|minilm|bge/i.test(name))
      expect(models.length).toBeGreaterThan(0)
      const properties = { answer: { type: 'string', enum: ['yes', 'no'] } }
      const schema = { type: 'object', properties, required: ['answer'], additionalProperties: false }
      const model = models[0]!.name
      const answer = await server.ask({ model, messages, schema, signal: never })
      expect(answer.usage).toMatchObject({ unknown: false })
      if (!answer.cut) expect(JSON.parse(answer.text)).toMatchObject({ answer: expect.stringMatching(/^(?:yes|no)$/) })
      const stopped = server.ask({ model, messages, schema, signal: AbortSignal.timeout(1) })
      await expect(stopped).rejects.toMatchObject({ code: 'model_failed' })
    }, 600_000)
  },
)

describe('a model server', () => {
  it('lists its models, and answers with text and usage', async () => {
    await using fake = await startFakeOllama({
      models: ['a:7b'],
      answer: () => ({ json: { a: 1 }, promptTokens: 5, answerTokens: 3 }),
    })
    const server = ollamaServer(fake.url)
    expect(await server.list(never)).toEqual([{ name: 'a:7b', provider: 'ollama', bytes: expect.any(Number) }])
    expect(await server.ask({ model: 'a:7b', messages, schema: { type: 'object' }, signal: never })).toEqual({
      text: '{"a":1}',
      thinking: '',
      calls: [],
      usage: { promptTokens: 5, answerTokens: 3, unknown: false },
    })
    expect(fake.calls).toMatchObject([{ model: 'a:7b', messages, format: { type: 'object' }, stream: true }])
  })

  it.each([
    ['answers with an error', { fault: 'error' }, /answered 500: .*terminated/],
    ['sends what is not JSON', { fault: 'invalid_json' }, /not JSON/],
    ['dies in the middle', { fault: 'cut' }, /.+/],
    ['sends an endless answer', { fault: 'huge', bytes: 64 * 1024 * 1024 }, /more than \d+ bytes/],
    ['hangs', { fault: 'hang' }, /did not answer in time/],
    ['exceeds its time limit', { slowMs: 5_000, text: '{}' }, /did not answer in time/],
  ] satisfies [string, FakeAnswer, RegExp][])(
    'that %s is reported as failed, with the reason',
    async (_, answer, why) => {
      await using fake = await startFakeOllama({ answer: () => answer })
      // Short only for the cases that test the time limit; a busy machine may need long for the others.
      const limitMs = String(why).includes('in time') ? 1_500 : 30_000
      const asked = ollamaServer(fake.url).ask({
        model: 'fake:latest',
        messages,
        schema: {},
        signal: AbortSignal.timeout(limitMs),
      })
      await expect(asked).rejects.toMatchObject({
        code: 'model_failed',
        retryable: true,
        message: expect.stringMatching(why),
      })
    },
  )

  it('reports a truncated answer, with its usage', async () => {
    await using fake = await startFakeOllama({ answer: () => ({ fault: 'length' }) })
    const answer = await ollamaServer(fake.url).ask({ model: 'fake:latest', messages, schema: {}, signal: never })
    expect(answer).toMatchObject({ cut: true, usage: { unknown: false } })
  })

  it('is understood if it sends thinking and tool calls in fields of their own', async () => {
    const called = { name: 'file_write', arguments: { path: 'a', content: 'b' } }
    await using fake = await startFakeOllama({ answer: () => ({ text: '', thinking: 'hm', calls: [called] }) })
    const answer = await ollamaServer(fake.url).ask({ model: 'fake:latest', messages, schema: {}, signal: never })
    expect(answer).toMatchObject({ text: '', thinking: 'hm', calls: [called] })
  })

  it('that does not know the model, or cannot be reached, is reported as failed', async () => {
    await using fake = await startFakeOllama({ answer: () => 'unused' })
    await expect(
      ollamaServer(fake.url).ask({ model: 'other', messages, schema: {}, signal: never }),
    ).rejects.toMatchObject({
      code: 'model_failed',
    })
    await expect(ollamaServer('http://127.0.0.1:1').list(never)).rejects.toMatchObject({ code: 'model_failed' })
  })
})
