// The clients of API providers against a server that speaks their protocols and fails on purpose.
import { API_PROVIDERS, type ApiProvider } from '@deed/config/api-providers'
import { describe, expect, it } from 'vitest'
import { type FakeApiAnswer, startFakeApis } from '../../../../test/fake-apis/start-fake-apis.ts'
import { apiModels } from './api-models.ts'

const KEY = 'key-of-a-test-that-nobody-knows'
const messages = [
  { role: 'system' as const, content: 'be brief' },
  { role: 'user' as const, content: 'hello' },
]
const schema = { type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false }
const never = new AbortController().signal

async function startApi(provider: ApiProvider, answer: () => FakeApiAnswer) {
  const fake = await startFakeApis(answer)
  const api = apiModels(provider, ['m-1'], { key: KEY, url: fake.urls[provider] })
  const ask = (signal = never) => api.ask({ model: `${provider}/m-1`, messages, schema, signal })
  return { api, ask, calls: fake.calls, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() }
}

describe.each(API_PROVIDERS)('a model of the API of %s', (provider) => {
  it('answers with text and usage, and gets the key, the question and the schema', async () => {
    await using fake = await startApi(provider, () => ({ json: { a: 1 }, promptTokens: 5, answerTokens: 3 }))
    expect(await fake.api.list(never)).toEqual([{ name: `${provider}/m-1`, provider, bytes: 0 }])
    expect(await fake.ask()).toEqual({
      text: '{"a":1}',
      thinking: '',
      usage: { promptTokens: 5, answerTokens: 3, unknown: false },
    })
    const [call] = fake.calls
    expect(call).toMatchObject({ provider, model: 'm-1', key: KEY })
    const sent = JSON.stringify(call?.body)
    for (const part of ['be brief', 'hello', 'additionalProperties']) expect(sent).toContain(part)
    expect(sent).not.toContain(KEY)
    if (provider === 'openai') expect(call?.body).toMatchObject({ store: false })
  })

  it.each([
    ['answers with an error', { fault: 'error' }, /answered 500: .*overloaded/],
    ['sends what is not JSON', { fault: 'invalid_json' }, /.+/],
    ['dies in the middle', { fault: 'cut' }, /.+/],
    ['ends in the middle', { unfinished: '{"a":1}' }, /stopped in the middle|without a finish reason/],
    ['sends an endless answer', { fault: 'huge', bytes: 100 * 1024 * 1024 }, /more than \d+ bytes/],
    ['hangs', { fault: 'hang' }, /did not answer in time/],
    ['exceeds its time limit', { slowMs: 5_000, text: '{}' }, /did not answer in time/],
  ] satisfies [string, FakeApiAnswer, RegExp][])(
    'that %s is reported as failed, with the reason',
    async (_, answer, why) => {
      await using fake = await startApi(provider, () => answer)
      // Short only for the cases that test the time limit; a busy machine may need long for the others.
      const limitMs = String(why).includes('in time') ? 1_500 : 30_000
      await expect(fake.ask(AbortSignal.timeout(limitMs))).rejects.toMatchObject({
        code: 'model_failed',
        retryable: true,
        message: expect.stringMatching(why),
      })
    },
  )

  it('reports a truncated answer, with its usage', async () => {
    await using fake = await startApi(provider, () => ({ fault: 'length' }))
    expect(await fake.ask()).toMatchObject({ cut: true, usage: { answerTokens: 7, unknown: false } })
  })

  it.each([Number.NaN, -1, 1e12, 2 ** 53 + 1, 0.5])(
    'has an unknown usage, or none, if it reports %s tokens',
    async (odd) => {
      await using fake = await startApi(provider, () => ({ text: '{"a":1}', usage: { prompt: 11, answer: odd } }))
      const answer = await fake.ask().catch((error: unknown) => error)
      if (answer instanceof Error) expect(answer).toMatchObject({ code: 'model_failed' })
      else expect(answer).toMatchObject({ usage: { unknown: true } })
    },
  )

  it.each([
    [401, undefined, 300_000],
    [402, undefined, 300_000],
    [429, '20', 20_000],
    [429, undefined, 30_000],
    [429, '99999', 600_000],
  ])('that answers %d, to be asked again after %s, is not asked for %d ms', async (status, retryAfter, pauseMs) => {
    await using fake = await startApi(provider, () => ({
      status,
      message: `wrong key ${KEY}`,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    }))
    const error = await fake.ask().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'model_failed', details: { not_taken_up: true, pause_ms: pauseMs } })
    expect((error as Error).message).toContain(String(status))
    expect((error as Error).message).not.toContain(KEY)
  })

  it('that cannot be reached did no work for the call', async () => {
    const api = apiModels(provider, ['m-1'], { key: KEY, url: 'http://127.0.0.1:1/v1' })
    const asked = api.ask({ model: `${provider}/m-1`, messages, schema, signal: never })
    await expect(asked).rejects.toMatchObject({ code: 'model_failed', details: { not_taken_up: true } })
  })
})
