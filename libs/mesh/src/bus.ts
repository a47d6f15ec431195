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
import {
  type EventContract,
  type RequestContract,
  SERVICES,
  type ServiceName,
  type WorkContract,
} from '@deed/proto/contract'
import { DeedError, type ErrorBody, ErrorCode } from '@deed/proto/errors'
import { LOCAL, type Principal, PrincipalName } from '@deed/proto/ids'
import { createLogger, type Log } from '@deed/telemetry/logger'
import { observe, secondsSince } from '@deed/telemetry/metrics'
import { MESSAGING_BATCH_MESSAGE_COUNT } from '@deed/telemetry/names'
import { type Span, startSpan } from '@deed/telemetry/span'
import { loggedTrace, type Trace, traceparentIn } from '@deed/telemetry/trace-context'
import { type MsgHdrs, type NatsConnection, headers as newHeaders } from 'nats'
import { z } from 'zod'
import { type CallOptions, call } from './call.ts'
import { type Cancellations, openCancellations } from './cancellations.ts'
import { type BusAddress, connectNats } from './connection.ts'
import { drainWithin } from './drain-within.ts'
import { openEndpoints } from './endpoints.ts'
import { errorHeaders, FROM_HEADER, headersOf, setTrace, TIMEOUT_HEADER, traceIn } from './headers.ts'
import { idsOf } from './ids-of.ts'
import { messageAttributes } from './message-attributes.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { passedOn, passOn, type Received } from './pass-on.ts'
import { PROBE_SUBJECT } from './permissions-enforced.ts'
import { hearReplicas, type PreferredReplicas, sayLoad } from './preferred-replica.ts'
import { openRequests, type Requests } from './requests.ts'
import { ServedSpan } from './served-span.ts'
import { offerAtOnce } from './take-at-once.ts'
import { announceTraceToKeep, serveTraces } from './traces.ts'
import { type ConsumeOptions, consumeWork, type WorkHandler } from './work-queue.ts'
import { type HandedOut, startSending } from './work-span.ts'

/** A longer timer in Node fires at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1
/** The inbox of a caller in the mesh's own account, or the server's for a caller in another account. */
const ANSWER_SUBJECT = /^_INBOX[._]|^_R_\./
const RECONNECT_WAIT_MS = 250
export interface RequestScope {
  readonly principal: Principal
  readonly log: Log
  /** Its span, which may join an execution. */
  readonly served: ServedSpan
  /** Pass it to calls, so that the trace continues. Empty if this request is not traced. */
  readonly trace: Trace
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
  /**
   * Publishes events.
   *
   * @param tokens the wildcards of the subject: the tenant, and the id or name
   * @param trace they get one span in it
   */
  announce<C extends EventContract>(
    contract: C,
    tokens: readonly [tenant: string, id: string],
    payloads: readonly z.input<C['payload']>[],
    trace?: Trace,
  ): void
  /**
   * Offers work to a worker that has room for it now, else publishes it without waiting for the stream's acknowledgement:
   * anything handed out can be dispatched again from PostgreSQL.
   *
   * @param options.queued through the queue in any case
   */
  handOut<C extends WorkContract>(
    contract: C,
    payload: z.input<C['payload']>,
    options: { tenant: string; trace?: Trace; attempt?: HandedOut; queued?: boolean },
  ): void
  consumeWork<C extends WorkContract>(
    contract: C,
    handler: WorkHandler<C>,
    options: ConsumeOptions,
  ): Promise<AsyncDisposable>
  /**
   * Says how busy this replica is, until it is disposed; with `choose` it also hears of the others, and sends work and
   * requests to the one that takes everything now.
   */
  joinReplicas(options?: { choose: boolean }): Disposable
  /** The trace is exported by every process, even if it was not sampled. No-op without a collector. */
  keepTrace(trace: Trace): void
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
 * @throws {ConfigError} if the server cannot be trusted or refuses the login, or has another name than `serverName`
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const { service } = options
  // Standard output is for a service's log, or for a client's own output.
  const log = options.log ?? createLogger(service, 2)
  const inboxPrefix = `_INBOX_${service}`
  const nc = await connectNats(
    options,
    {
      name: service,
      inboxPrefix,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_WAIT_MS,
      noAsyncTraces: true,
      pingInterval: 20_000,
    },
    log,
  )
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
  let replicas: PreferredReplicas | undefined
  let draining = false

  const track = (work: Promise<void>): void => {
    // A failure here is a failure to answer, such as on a closed connection.
    const through = work
      .catch((error: unknown) => log.error({ err: error }, 'answering a request failed'))
      .finally(() => running.delete(through))
    running.add(through)
  }

  if (SERVICES.some((name) => name === service)) serveTraces(nc, service, outbox)
  const calling = { service, nc, requests, cancellations, principal: options.principal ?? LOCAL }
  const bus: Bus = {
    service,
    nc,
    serve(contract, handler) {
      cancellations.hear(contract.subject)
      const take = (msg: Received) => handleRequest(contract, handler, msg, { service, nc, outbox, cancellations, log })
      const other = () => (contract.gathered ? replicas?.other(contract.owner, endpoints.instance()) : undefined)
      endpoints.add(contract, (msg, toThis) =>
        track(toThis ? take(passedOn(msg)) : passOn(requests, msg, other(), take)),
      )
    },
    call: (contract, input, callOptions = {}) => call(calling, contract, input, callOptions),
    answer(replyTo, body) {
      outbox.send(replyTo, jsonText(body))
    },
    answerError(replyTo, error) {
      outbox.send(replyTo, jsonText(error), { headers: errorHeaders(error) })
    },
    announce(contract, [tenant, id], payloads, trace) {
      if (payloads.length === 0) return
      const subject = contract.subject.replace('*.*', `${tenant}.${id}`)
      const bodies = payloads.map(jsonText)
      const message = { operation: 'send', template: contract.subject, subject, body: bodies.join('') } as const
      const span = trace
        ? startSpan(`send ${contract.subject}`, {
            parent: trace,
            service,
            kind: 'producer',
            attributes: { ...messageAttributes(nc, message), [MESSAGING_BATCH_MESSAGE_COUNT]: bodies.length },
          })
        : undefined
      for (const body of bodies) outbox.send(subject, body, tracedOptions(span))
      span?.end()
    },
    handOut(contract, input, { tenant, trace, attempt, queued = false }) {
      const subject = `${contract.subject}.${tenant}`
      const payload = jsonText(input)
      const span = trace && attempt ? startSending(nc, contract, trace, attempt, { subject, body: payload }) : undefined
      const headers = newHeaders()
      if (span) setTrace(headers, span.trace)
      const from = endpoints.instance()
      if (from !== undefined) headers.set(FROM_HEADER, from)
      const queue = (): void => outbox.send(subject, payload, { headers })
      const first = contract.gathered ? replicas?.of(contract.consumer) : undefined
      if (queued) queue()
      else offerAtOnce(requests, log, contract, { tenant, payload, headers, first }, queue)
      span?.end()
    },
    consumeWork: (contract, handler, consumeOptions) =>
      consumeWork({ nc, outbox, log, instance: endpoints.instance() }, contract, handler, consumeOptions),
    joinReplicas({ choose } = { choose: false }) {
      if (choose) replicas ??= hearReplicas(nc)
      return sayLoad(outbox, service, endpoints.instance)
    },
    keepTrace: (trace) => announceTraceToKeep(outbox, trace),
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

function tracedOptions(span: Span | undefined): { headers?: MsgHdrs } {
  if (span === undefined) return {}
  const headers = newHeaders()
  setTrace(headers, span.trace)
  return { headers }
}

async function handleRequest<C extends RequestContract>(
  contract: C,
  handler: Handler<C>,
  msg: Received,
  {
    service,
    nc,
    outbox,
    cancellations,
    log,
  }: { service: string; nc: NatsConnection; outbox: Outbox; cancellations: Cancellations; log: Log },
): Promise<void> {
  const received = performance.now()
  if (msg.reply && !ANSWER_SUBJECT.test(msg.reply)) {
    // Answering there would publish in this process's name what the caller may not publish. No caller can be informed.
    log.warn({ subject: msg.subject, reply: msg.reply }, 'dropping a request with a foreign reply subject')
    return
  }
  const { subject: template, owner: group, begins = false } = contract
  const message = { operation: 'process', template, subject: msg.subject, body: msg.data, group } as const
  const attributes = messageAttributes(nc, message)
  // What begins an execution belongs to none yet.
  const caller = traceIn(msg)
  const parent = caller && begins ? traceparentIn(caller) : caller
  const served = new ServedSpan(`process ${template}`, { parent, service, kind: 'server', attributes }, begins)
  let signal: AbortSignal | undefined
  let about: object = {}
  try {
    const principal = principalOf(msg.subject, contract.subject)
    const input = validate(
      contract.input,
      decodeJson(msg.data, { exactIntegers: isClientFacing(contract) }),
    ) as z.output<C['input']>
    about = idsOf(input)
    const scope: RequestScope = {
      principal,
      log,
      served,
      get trace() {
        return served.trace
      },
      deadline: received + timeoutOf(headersOf(msg), contract.timeoutMs),
      // Lazy: most work ends before anybody could cancel it.
      get signal() {
        signal ??= cancellations.signalOf(msg.reply, scope.deadline - performance.now())
        return signal
      },
      replyTo: msg.reply === undefined || msg.reply === '' ? undefined : msg.reply,
      setAttribute: (name, value) => served.span?.setAttribute(name, value),
    }
    const output = await served.run(() => handler(input, scope))
    if (output !== ANSWERED_LATER && msg.reply) outbox.send(msg.reply, jsonText(output))
  } catch (error) {
    served.span?.fail(error)
    const body = errorBody(error)
    if (body.code === 'internal')
      log.error(
        { err: error, subject: contract.subject, ...about, ...loggedTrace(served.trace), trace_id: served.traceId },
        'request failed',
      )
    if (msg.reply) outbox.send(msg.reply, jsonText(body), { headers: errorHeaders(body) })
  } finally {
    if (signal !== undefined) cancellations.over(msg.reply)
    const trace = served.span && traceparentIn(served.trace)
    observe('deed_hop_duration_seconds', { subject: contract.subject }, secondsSince(received), trace)
    served.span?.end()
    if (log.isLevelEnabled('debug')) {
      const ms = Math.round(performance.now() - received)
      log.debug(
        { subject: msg.subject, ms, ...about, ...loggedTrace(served.trace), trace_id: served.traceId },
        'request handled',
      )
    }
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

function principalOf(subject: string, base: string): Principal {
  if (subject.length === base.length) return LOCAL
  const [tenant = '', user] = subject.slice(base.length + 1).split('.')
  // Addressed to one instance, which alone subscribes there, in nobody's name.
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
