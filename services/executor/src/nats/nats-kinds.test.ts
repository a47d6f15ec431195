import { startNats } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { actionIdOf } from '@deed/worker/action-id'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { testExecutor } from '../../test/test-executor.ts'

const opened = new AsyncDisposableStack()
let nc: Bus['nc']
let url: string

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  const nats = opened.use(await startNats({ dataDir: folder.path }))
  const { user, pass } = nats.credentials('deed')
  nc = opened.use(await connectBus({ service: 'deed', url: nats.url, user, password: pass })).nc
  url = nats.url.replace('://', `://${user}:${pass}@`)
})
afterAll(() => opened.disposeAsync())
beforeEach(async () => {
  const jsm = await nc.jetstreamManager()
  await jsm.streams.delete('ORDERS').catch(() => undefined)
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'] })
})

const YAML = 'targets: { factory: { type: nats, url_env: FACTORY_URL } }'
const factory = () => testExecutor(YAML, { FACTORY_URL: url })
const stored = async () => (await (await nc.jetstreamManager()).streams.info('ORDERS')).state.messages
const publish = (more: object = {}) => ({
  kind: 'nats.publish',
  input: { target: 'factory', subject: 'orders.new', payload: '{"id":7}', stream: 'ORDERS', ...more },
})

describe('publishing to a stream', () => {
  it('is proved by finding the message in it again', async () => {
    await using executor = await factory()
    nc.publish('orders.new', 'before')
    expect(await executor.run(publish())).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { outcome: 'verified', facts: { sequence: 2 } },
    })
    expect(await stored()).toBe(2)
  })

  it.each(['before_effect', 'after_effect'] as const)('happens once where an attempt died %s', async (at) => {
    await using executor = await factory()
    const work = await executor.dispatch(publish())
    await dies(executor, work, at)
    nc.publish('orders.new', 'by somebody else')
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    const jsm = await nc.jetstreamManager()
    const ids: (string | undefined)[] = []
    for (let seq = 1; seq <= (await stored()); seq++)
      ids.push((await jsm.streams.getMessage('ORDERS', { seq })).header.get('Nats-Msg-Id'))
    expect(ids.filter((id) => id === actionIdOf(work.task_id))).toHaveLength(1)
  })

  it('cannot be undone', async () => {
    await using executor = await factory()
    const work = await executor.dispatch(publish())
    await executor.attempt(work)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'not_undoable' } })
  })

  it.each([
    ['a stream that is not there', publish({ stream: 'NONE' }), 'not_found'],
    ['a stream that does not take the subject', publish({ subject: 'other' }), 'unavailable'],
    ['no stream, and nothing to see', publish({ stream: undefined }), 'invalid_request'],
    ['wildcards', publish({ subject: 'orders.*' }), 'invalid_request'],
    ['what the server itself answers', publish({ subject: '$JS.API.STREAM.DELETE.ORDERS' }), 'invalid_request'],
    ['a target of nobody', publish({ target: 'factroy' }), 'unknown_target'],
  ])('refuses %s', async (_, action, code) => {
    await using executor = await factory()
    expect(await executor.run(JSON.parse(JSON.stringify(action)))).toMatchObject({ outcome: 'failed', error: { code } })
    expect(await stored()).toBe(0)
  })
})

describe('a request to another NATS server', () => {
  const request = (verify?: object) =>
    JSON.parse(
      JSON.stringify({
        kind: 'nats.request',
        input: { target: 'factory', subject: 'press.start', payload: '3' },
        verify,
      }),
    )

  it('is done when what it asked for is seen, not when it is answered', async () => {
    await using executor = await factory()
    let works = true
    const service = nc.subscribe('press.start', {
      callback: (_error, message) => {
        if (works) executor.write('press.txt', message.string())
        message.respond('pressed')
      },
    })
    await nc.flush()
    const verify = { kind: 'file', path: 'press.txt', contains: '3' }
    expect(await executor.run(request(verify))).toMatchObject({
      outcome: 'done',
      effect: 'made',
      result: { data: { answer: 'pressed' } },
    })
    works = false
    const other = { kind: 'file', path: 'press.txt', contains: '4' }
    expect(await executor.run(request(other))).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed' },
    })
    service.unsubscribe()
  })

  it('is answered by the service, though a stream takes the subject too and acknowledges first', async () => {
    await using executor = await factory()
    const service = nc.subscribe('orders.ask', {
      callback: async (_error, message) => {
        executor.write('order.txt', message.string())
        // The stream has already acknowledged.
        await nc.flush()
        message.respond('ordered')
      },
    })
    await nc.flush()
    const ask = request({ kind: 'file', path: 'order.txt', contains: '3' })
    ask.input.subject = 'orders.ask'
    expect(await executor.run(ask)).toMatchObject({ outcome: 'done', result: { data: { answer: 'ordered' } } })
    service.unsubscribe()
  })

  it('needs verify, and somebody who listens', async () => {
    await using executor = await factory()
    expect(await executor.run(request())).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
    expect(await executor.run(request({ kind: 'file', path: 'press.txt' }))).toMatchObject({
      error: { code: 'unavailable', retryable: true },
    })
  })

  it('is not sent where what it asks to see is there before', async () => {
    await using executor = await factory()
    let asked = 0
    const service = nc.subscribe('press.start', {
      callback: (_error, message) => {
        asked++
        message.respond('ok')
      },
    })
    await nc.flush()
    executor.write('press.txt', 'of an earlier run')
    const verify = { kind: 'file', path: 'press.txt' }
    const published = { ...publish({ stream: undefined, subject: 'press.start' }), verify } as never
    for (const action of [request(verify), published])
      expect(await executor.run(JSON.parse(JSON.stringify(action)))).toMatchObject({
        effect: 'none',
        error: { code: 'precondition_failed' },
      })
    await nc.flush()
    expect(asked).toBe(0)
    service.unsubscribe()
  })

  it('names a server that is away, without its password', async () => {
    await using executor = await testExecutor(YAML, { FACTORY_URL: 'nats://someone:secret-password@127.0.0.1:1' })
    const away = await executor.run(request({ kind: 'file', path: 'press.txt' }))
    expect(away).toMatchObject({ effect: 'none', error: { code: 'unavailable', retryable: true } })
    expect(JSON.stringify(away)).not.toContain('secret-password')
  })
})

describe('a request to a subject that only reads', () => {
  const reading = 'targets: { factory: { type: nats, url_env: FACTORY_URL, reads: [press.count] } }'
  const count = (more: object = {}) => ({
    kind: 'nats.request',
    input: { target: 'factory', subject: 'press.count', ...more },
  })

  it.each([
    ['twice, and the second answer says the same', {}, 2, { kind: 'observed', outcome: 'verified' }],
    ['once where it may be asked only once', { repeatable: false }, 1, { kind: 'unconfirmed', outcome: 'unverified' }],
  ])('is asked %s', async (_, more, times, evidence) => {
    await using executor = await testExecutor(reading, { FACTORY_URL: url })
    let asked = 0
    const service = nc.subscribe('press.count', {
      callback: (_error, message) => {
        asked++
        message.respond('7')
      },
    })
    await nc.flush()
    expect(await executor.run(count(more))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: { data: { answer: '7' } },
      evidence,
    })
    expect(asked).toBe(times)
    service.unsubscribe()
  })

  it('is asked again later where nobody listened to the first one', async () => {
    await using executor = await testExecutor(reading, { FACTORY_URL: url })
    expect(await executor.run(count({ repeatable: false }))).toMatchObject({
      effect: 'none',
      error: { code: 'unavailable', retryable: true },
    })
  })

  it('is named by the target: any other one needs verify, and is never asked twice', async () => {
    await using executor = await factory()
    expect(await executor.run(count())).toMatchObject({ error: { code: 'invalid_request' } })
    expect(await executor.run(count({ repeatable: false }))).toMatchObject({
      error: { code: 'invalid_request', path: '$.input.repeatable' },
    })
  })
})
