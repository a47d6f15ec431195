/**
 * A process's connection to the mesh: what it serves, calls and announces.
 *
 * Validation, the principal, deadlines, trace context and the error envelope are implemented here, once for all
 * contracts. The request path is our own (one inbox subscription, no Error object per call): it handles 2.6 times the
 * calls of the client's.
 */

import { decodeJson } from '@deed/json/decode'
import { jsonText } from '@deed/json/json-text'
import { validate } from '@deed/json/validate'
import type { EventContract, RequestContract, ServiceName, WorkContract } from '@deed/proto/contract'
import { DeedError, type ErrorBody, ErrorCode } from '@deed/proto/errors'
import { LOCAL, type Principal, PrincipalName } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { createLogger, type Log } from '@deed/telemetry/logger'
import { startSpan } from '@deed/telemetry/span'
import { connect, type Msg, type MsgHdrs, type NatsConnection, headers as newHeaders } from 'nats'
import { z } from 'zod'
import { type CallOptions, call } from './call.ts'
import { type Cancellations, openCancellations } from './cancellations.ts'
import type { BusAddress } from './connection.ts'
import { drainWithin } from './drain-within.ts'
import { openEndpoints } from './endpoints.ts'
import { headersOf, TIMEOUT_HEADER, TRACEPARENT, traceparentOf } from './headers.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { PROBE_SUBJECT } from './permissions-enforced.ts'
import { openRequests, type Requests } from './requests.ts'
import { type ConsumeOptions, consumeWork, type WorkHandler } from './work-queue.ts'

/** A longer timer in Node fires at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1
/** The inbox of a caller in the mesh's own account, or the server's for a caller in another account. */
const ANSWER_SUBJECT = /^_INBOX[._]|^_R_\./
const RECONNECT_WAIT_MS = 250
export interface RequestScope {
  readonly principal: Principal
  readonly log: Log
  /** Pass it to calls, so that the trace continues. */
  readonly trace: string
  readonly traceId: string
  /** On the clock of `performance.now()`. */
  readonly deadline: number
  /** Aborted when the caller cancels, or at the deadline. */
  readonly signal: AbortSignal
  /** The reply subject; undefined if the message wants no answer. */
  readonly replyTo: string | undefined
  setAttribute(name: string, value: string | number | boolean): void
}

/** Returned by a handler whose answer is sent later with `bus.answer`. */
export const ANSWERED_LATER = Symbol('answered later')

export type Handler<C extends RequestContract> = (
  input: z.output<C['input']>,
  scope: RequestScope,
) => Promise<z.input<C['output']> | typeof ANSWERED_LATER>

export interface Bus extends AsyncDisposable {
  readonly service: string
  readonly nc: NatsConnection
  serve<C extends RequestContract>(contract: C, handler: Handler<C>): void
  call<C extends RequestContract>(
    contract: C,
    input: z.input<C['input']>,
    options?: CallOptions,
  ): Promise<z.output<C['output']>>
  /** Answers a request that another handler, or another process, received. */
  answer(replyTo: string, body: unknown): void
  answerError(replyTo: string, error: ErrorBody): void
  /** @param tokens the wildcards of the subject: the tenant, and the id or name */
  announce<C extends EventContract>(
    contract: C,
    tokens: readonly [tenant: string, id: string],
    payload: z.input<C['payload']>,
  ): void
  /**
   * Publishes work without waiting for the stream's acknowledgement: anything in a work queue can be dispatched again
   * from PostgreSQL.
   */
  handOut<C extends WorkContract>(
    contract: C,
    payload: z.input<C['payload']>,
    options: { tenant: string; trace?: string },
  ): void
  consumeWork<C extends WorkContract>(
    contract: C,
    handler: WorkHandler<C>,
    options: ConsumeOptions,
  ): Promise<AsyncDisposable>
}

export interface ConnectOptions extends BusAddress {
  /** The service, or a client's name; also names its inbox: `_INBOX_<service>`. */
  service: ServiceName | (string & {})
  /** The default principal of calls; default: the principal of the bare subjects. */
  principal?: Principal
  log?: Log
}

/**
 * Connects to the bus, retrying with jitter while the server is unavailable. Disposing drains: it accepts no new
 * requests, answers the running ones, then closes the connection.
 *
 * @throws if the server refuses the credentials, or has another name than `serverName`
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const { service } = options
  // Standard output is for a service's log, or for a client's own output.
  const log = options.log ?? createLogger(service, 2)
  const inboxPrefix = `_INBOX_${service}`
  const nc = await connect({
    servers: options.url,
    name: service,
    inboxPrefix,
    ...defined({ user: options.user, pass: options.password }),
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    noAsyncTraces: true,
    pingInterval: 20_000,
  })
  if (options.serverName !== undefined && nc.info?.server_name !== options.serverName) {
    const met = nc.info?.server_name
    await nc.close()
    throw new Error(`the NATS server at ${options.url} is "${met}", not "${options.serverName}"; check NATS_URL`)
  }
  const outbox = openOutbox(nc, log)
  const requests = openRequests(nc, inboxPrefix, outbox)
  watchStatus(nc, requests, log).catch((error: unknown) => log.error({ err: error }, 'watching the connection failed'))
  const running = new Set<Promise<void>>()
  const cancellations = openCancellations(nc, outbox)
  const endpoints = openEndpoints(nc, service, log)
  let draining = false

  const track = (work: Promise<void>): void => {
    // A failure here is a failure to answer, such as on a closed connection.
    const through = work
      .catch((error: unknown) => log.error({ err: error }, 'answering a request failed'))
      .finally(() => running.delete(through))
    running.add(through)
  }

  const calling = { requests, cancellations, principal: options.principal ?? LOCAL }
  const bus: Bus = {
    service,
    nc,
    serve(contract, handler) {
      cancellations.hear(contract.subject)
      endpoints.add(contract, (msg) => track(handleRequest(contract, handler, msg, { outbox, cancellations, log })))
    },
    call: (contract, input, callOptions = {}) => call(calling, contract, input, callOptions),
    answer(replyTo, body) {
      outbox.send(replyTo, jsonText(body))
    },
    answerError(replyTo, error) {
      outbox.send(replyTo, jsonText(error), { headers: errorHeaders(error) })
    },
    announce(contract, [tenant, id], payload) {
      outbox.send(contract.subject.replace('*.*', `${tenant}.${id}`), jsonText(payload))
    },
    handOut(contract, payload, { tenant, trace }) {
      const headers = trace === undefined ? undefined : newHeaders()
      headers?.set(TRACEPARENT, trace ?? '')
      outbox.send(`${contract.subject}.${tenant}`, jsonText(payload), headers === undefined ? {} : { headers })
    },
    consumeWork: (contract, handler, consumeOptions) => consumeWork(nc, outbox, log, contract, handler, consumeOptions),
    async [Symbol.asyncDispose]() {
      if (draining) return
      draining = true
      await drainWithin(endpoints.close(), log)
      await Promise.allSettled(running)
      outbox.flush()
      if (!nc.isClosed()) await drainWithin(nc.drain(), log)
      if (!nc.isClosed()) await nc.close()
    },
  }
  return bus
}

async function handleRequest<C extends RequestContract>(
  contract: C,
  handler: Handler<C>,
  msg: Msg,
  { outbox, cancellations, log }: { outbox: Outbox; cancellations: Cancellations; log: Log },
): Promise<void> {
  const received = performance.now()
  if (msg.reply && !ANSWER_SUBJECT.test(msg.reply)) {
    // Answering there would publish in this process's name what the caller may not publish. No caller can be informed.
    log.warn({ subject: msg.subject, reply: msg.reply }, 'dropping a request with a foreign reply subject')
    return
  }
  const parent = traceparentOf(msg)
  const span = startSpan(contract.subject, { parent, kind: 'server', attributes: { 'messaging.system': 'nats' } })
  let signal: AbortSignal | undefined
  try {
    const principal = principalOf(msg.subject, contract.subject)
    const input = validate(
      contract.input,
      decodeJson(msg.data, { exactIntegers: isClientFacing(contract) }),
    ) as z.output<C['input']>
    const scope: RequestScope = {
      principal,
      log,
      trace: span.traceparent,
      traceId: span.traceId,
      deadline: received + timeoutOf(headersOf(msg), contract.timeoutMs),
      // Lazy: most work ends before anybody could cancel it.
      get signal() {
        signal ??= cancellations.signalOf(msg.reply, scope.deadline - performance.now())
        return signal
      },
      replyTo: msg.reply === undefined || msg.reply === '' ? undefined : msg.reply,
      setAttribute: (name, value) => span.setAttribute(name, value),
    }
    const output = await span.run(() => handler(input, scope))
    if (output !== ANSWERED_LATER && msg.reply) outbox.send(msg.reply, jsonText(output))
  } catch (error) {
    span.fail(error)
    const body = errorBody(error)
    if (body.code === 'internal')
      log.error({ err: error, subject: contract.subject, trace_id: span.traceId }, 'request failed')
    if (msg.reply) outbox.send(msg.reply, jsonText(body), { headers: errorHeaders(body) })
  } finally {
    if (signal !== undefined) cancellations.over(msg.reply)
    span.end()
  }
}

/**
 * Whether it accepts messages of clients: those are refused for numbers that would be rounded, which inside the mesh
 * have already been rounded.
 */
const isClientFacing = ({ input }: RequestContract): boolean =>
  input instanceof z.ZodObject && input.def.catchall instanceof z.ZodNever

/** The wire form of a failure; an unnamed one is a bug, and reveals nothing internal. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof DeedError) return error.body
  // Named failures of libraries: the database is unavailable, or overloaded.
  if (error instanceof Error && 'code' in error && 'retryable' in error) {
    const { data: code } = ErrorCode.safeParse(error.code)
    if (code) return { code, message: error.message, retryable: error.retryable === true }
  }
  return { code: 'internal', message: 'an internal error occurred; see the log of the service', retryable: true }
}

function errorHeaders(body: ErrorBody): MsgHdrs {
  const headers = newHeaders()
  headers.set('Nats-Service-Error-Code', body.code === 'internal' ? '500' : body.retryable ? '503' : '400')
  // Headers are one line of ASCII; the body has the sentence.
  headers.set('Nats-Service-Error', body.code)
  return headers
}

function principalOf(subject: string, base: string): Principal {
  if (subject.length === base.length) return LOCAL
  const [tenant = '', user] = subject.slice(base.length + 1).split('.')
  // Addressed to one instance, which alone subscribes there.
  if (user === undefined) return LOCAL
  if (!PrincipalName.safeParse(tenant).success || !PrincipalName.safeParse(user).success) {
    throw new DeedError('forbidden', 'tenant and user in the subject must be lower-case letters, digits, "-" and "_"')
  }
  return { tenant, user }
}

function timeoutOf(headers: MsgHdrs | undefined, otherwise: number): number {
  const text = headers?.get(TIMEOUT_HEADER) ?? ''
  if (text === '') return otherwise
  const timeout = Number(text)
  const path = `headers.${TIMEOUT_HEADER}`
  if (Number.isNaN(timeout)) throw new DeedError('invalid_header', `${TIMEOUT_HEADER} must be a number`, { path })
  if (timeout < 1 || timeout > TIMEOUT_MS_MAX) {
    throw new DeedError('out_of_range', `${TIMEOUT_HEADER} must be between 1 and ${TIMEOUT_MS_MAX} milliseconds`, {
      path,
    })
  }
  return timeout
}

async function watchStatus(nc: NatsConnection, requests: Requests, log: Log): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === 'disconnect') {
      log.warn({ server: status.data }, 'connection to NATS lost')
      requests.hold()
    }
    if (status.type === 'reconnect') {
      log.info({ server: status.data }, 'connection to NATS is back')
      requests.resume()
    }
    const refused = status.permissionContext?.subject
    if (status.type === 'error' && refused !== PROBE_SUBJECT)
      log.error({ error: status.data, permission: status.permissionContext }, 'NATS refused')
  }
}
