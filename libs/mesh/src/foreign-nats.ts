/** A NATS server other than the mesh's own: one connection per action or observation. */

import { DeedError } from '@deed/proto/errors'
import { connect, ErrorCode, type NatsConnection, NatsError, headers as newHeaders, RequestStrategy } from 'nats'
import { isPublishAcknowledgement } from './publish-acknowledgement.ts'

export interface ForeignNats extends AsyncDisposable {
  /** @throws {DeedError} `unavailable` without a listener, `deadline_exceeded` */
  request(subject: string, payload: string, timeoutMs: number): Promise<Buffer>
  /** Resolves when the server has it. Whether anybody listened is unknown. */
  publish(subject: string, payload: string): Promise<void>
  /**
   * Publishes to a stream, which deduplicates message ids within its window.
   *
   * @returns the message's sequence in the stream
   * @throws {DeedError} `effect_failed` if no stream, or another one, captures the subject
   */
  publishToStream(stream: string, subject: string, payload: string, messageId: string): Promise<number>
  /** The last sequence of a stream. @throws {DeedError} `not_found` */
  lastSequence(stream: string): Promise<number>
  /** The first message of the subject at or after a sequence. */
  messageFrom(stream: string, subject: string, sequence: number): Promise<StoredMessage | undefined>
}

export interface StoredMessage {
  readonly sequence: number
  readonly data: Buffer
  readonly messageId: string | undefined
}

const CONNECT_MS_MAX = 5_000
const API_MS_MAX = 5_000

/**
 * @param url with user and password if the server requires them
 * @throws {DeedError} `unavailable`
 */
export async function openForeignNats(url: string): Promise<ForeignNats> {
  const nc = await enter(url)
  const api = async (subject: string, body: object = {}): Promise<Reply> => {
    const reply = await asked(() => nc.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: API_MS_MAX }))
    return reply.json<Reply>()
  }
  return {
    request: (subject, payload, timeoutMs) => asked(() => answer(nc, subject, payload, timeoutMs)),
    async publish(subject, payload) {
      nc.publish(subject, payload)
      await asked(() => nc.flush())
    },
    async publishToStream(stream, subject, payload, messageId) {
      const headers = newHeaders()
      headers.set('Nats-Msg-Id', messageId)
      headers.set('Nats-Expected-Stream', stream)
      const reply = await asked(() => nc.request(subject, payload, { headers, timeout: API_MS_MAX }))
      const { seq, error } = reply.json<{ seq?: number; error?: { description: string } }>()
      if (seq === undefined) throw new DeedError('effect_failed', `${stream} did not accept it: ${error?.description}`)
      return seq
    },
    async lastSequence(stream) {
      const { state, error } = await api(`STREAM.INFO.${stream}`)
      if (!state) throw new DeedError('not_found', `there is no stream ${stream}: ${error?.description}`)
      return state.last_seq
    },
    async messageFrom(stream, subject, sequence) {
      const { message } = await api(`STREAM.MSG.GET.${stream}`, { seq: sequence, next_by_subj: subject })
      if (!message) return undefined
      const headers = Buffer.from(message.hdrs ?? '', 'base64').toString()
      return {
        sequence: message.seq,
        data: Buffer.from(message.data ?? '', 'base64'),
        messageId: /^Nats-Msg-Id: ?(.*?)\r?$/m.exec(headers)?.[1],
      }
    },
    [Symbol.asyncDispose]: () => nc.close(),
  }
}

/** The first answer other than the acknowledgement of a stream that also captures the subject. */
async function answer(nc: NatsConnection, subject: string, payload: string, timeoutMs: number): Promise<Buffer> {
  const options = { strategy: RequestStrategy.Timer, maxWait: timeoutMs } as const
  for await (const reply of await nc.requestMany(subject, payload, options)) {
    if (!isPublishAcknowledgement(reply.data)) return Buffer.from(reply.data)
  }
  throw new NatsError('no answer', ErrorCode.Timeout)
}

interface Reply {
  readonly error?: { description: string }
  readonly state?: { last_seq: number }
  readonly message?: { seq: number; hdrs?: string; data?: string }
}

async function enter(text: string): Promise<NatsConnection> {
  const url = URL.parse(text)
  if (!url) throw new DeedError('unavailable', 'the address of the NATS server is not a URL')
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  try {
    return await connect({
      servers: url.host,
      ...(url.protocol === 'tls:' ? { tls: {} } : {}),
      ...(user === '' ? {} : { user }),
      ...(pass === '' ? {} : { pass }),
      name: 'deed',
      reconnect: false,
      timeout: CONNECT_MS_MAX,
    })
  } catch (cause) {
    const { message } = cause as Error
    if (isRefusal(cause)) throw new DeedError('effect_failed', `the NATS server refuses: ${message}`, { cause })
    throw new DeedError('unavailable', `the NATS server cannot be reached: ${message}`, { cause })
  }
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (!(cause instanceof NatsError)) throw cause
    if (cause.code === '503') throw new DeedError('unavailable', 'nobody listens to the subject', { cause })
    if (cause.code === 'TIMEOUT') throw new DeedError('deadline_exceeded', 'no answer came in time', { cause })
    const code = isRefusal(cause) ? 'effect_failed' : 'unavailable'
    throw new DeedError(code, `the NATS server refuses: ${cause.message}`, { cause })
  }
}

/** Errors that persist until somebody changes something: permissions, sizes, names. */
const isRefusal = (error: unknown): boolean => error instanceof NatsError && REFUSALS.has(error.code)

export const REFUSALS: ReadonlySet<string> = new Set([
  ...[ErrorCode.AuthorizationViolation, ErrorCode.AuthenticationExpired, ErrorCode.AccountExpired],
  ...[ErrorCode.BadAuthentication, ErrorCode.BadCreds, ErrorCode.PermissionsViolation, ErrorCode.Tls],
  ...[ErrorCode.MaxPayloadExceeded, ErrorCode.BadSubject, ErrorCode.BadHeader, ErrorCode.BadPayload, ErrorCode.BadJson],
  ...[ErrorCode.InvalidOption, ErrorCode.InvalidPayload, ErrorCode.NotFunction, ErrorCode.ServerOptionNotAvailable],
  ...[ErrorCode.WssRequired],
])
