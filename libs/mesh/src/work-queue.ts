/**
 * The work queue: a JetStream stream that keeps a message until one consumer has processed it.
 *
 * JetStream cannot fence, and hides what was delivered too often; so the queue only delivers, and PostgreSQL decides
 * who may act and when to give up.
 */

import { decodeJson } from '@deed/json/decode'
import { validate } from '@deed/json/validate'
import type { WorkContract } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import { intakeStream, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { LOCAL } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { count } from '@deed/telemetry/metrics'
import type { Span } from '@deed/telemetry/span'
import { loggedTrace, type Trace } from '@deed/telemetry/trace-context'
import {
  AckPolicy,
  type ConsumerMessages,
  DiscardPolicy,
  type JsMsg,
  type NatsConnection,
  NatsError,
  nanos,
  RetentionPolicy,
  StorageType,
} from 'nats'
import type { z } from 'zod'
import { ensureConsumer, ensureStream, NOT_FOUND } from './ensure-stream.ts'
import { FROM_HEADER, type Headed, headersOf, traceIn } from './headers.ts'
import { idsOf } from './ids-of.ts'
import { type Taking, takeAtOnce } from './take-at-once.ts'
import { startProcessing } from './work-span.ts'

const ACK_WAIT_MS = 30_000
/** The interval at which the redelivery of an unfinished message is postponed. */
const WORKING_EVERY_MS = 2_500
/** After a handler has thrown, the message is redelivered after this time. */
const REDELIVER_MS = 1_000
const RECONSUME_MS = 500
const WORK_BYTES_MAX = 256 * 1024 * 1024
export const INTAKE_CONSUMER = 'orchestrator'
const INTAKE_BYTES_MAX = 1024 * 1024 * 1024
const INTAKE_MESSAGE_BYTES_MAX = 512 * 1024
/**
 * The server's minimum. It would drop a message with a known id without comparing the body; the key of an execution
 * detects different requests, too, and for as long as the execution is kept.
 */
const INTAKE_DUPLICATES_MS = 100
/** A submission is stored within milliseconds; a consumer that is silent for longer has died. */
const INTAKE_ACK_WAIT_MS = 5_000

export interface WorkScope {
  readonly span: Span
  /** Pass it to calls, so that the trace continues. */
  readonly trace: Trace
  readonly deliveries: number
  /** The instance of the orchestrator that handed it out, which has its rows in memory; absent: unknown. */
  readonly from: string | undefined
}

export type WorkHandler<C extends WorkContract> = (payload: z.output<C['payload']>, scope: WorkScope) => Promise<void>

export interface ConsumeOptions {
  /** Messages in progress at once. */
  slots: number
}

/**
 * Creates the streams of `contracts` and their consumers if they are missing; a stream with another number of replicas,
 * or a consumer with settings of an earlier release, gets current ones. Memory storage: queued work can be dispatched
 * again from PostgreSQL at any time.
 *
 * @param replicas servers of a cluster that keep each stream
 * @returns what was missing or different, and has been repaired
 * @throws {ConfigError} if there are fewer servers than replicas
 */
export async function ensureWorkQueues(
  nc: NatsConnection,
  contracts: readonly WorkContract[],
  replicas = 1,
): Promise<string[]> {
  const mended: string[] = []
  const jsm = await nc.jetstreamManager()
  const streams = new Map<string, WorkContract[]>()
  for (const contract of contracts) streams.set(contract.stream, [...(streams.get(contract.stream) ?? []), contract])
  for (const [name, members] of streams) {
    const subjects = members.map((contract) => `${contract.subject}.>`)
    const different = await ensureStream(jsm, {
      name,
      subjects,
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.Memory,
      discard: DiscardPolicy.New,
      max_bytes: WORK_BYTES_MAX,
      num_replicas: replicas,
    })
    if (different) mended.push(`stream ${name} ${different}`)
    for (const { consumer, subject } of members) {
      const settings = { ...CONSUMING, ack_wait: nanos(ACK_WAIT_MS), filter_subject: `${subject}.>` }
      const outcome = await ensureConsumer(jsm, name, consumer, settings)
      if (outcome !== 'there') mended.push(`consumer ${consumer} of ${name} was ${outcome}`)
    }
  }
  return mended
}

const CONSUMING = { ack_policy: AckPolicy.Explicit, max_deliver: -1, max_ack_pending: 10_000 }

/**
 * Creates a tenant's intake and its consumer. File storage, one stream per tenant: equal message ids of two tenants
 * never collide. The acknowledgement of a publish promises execution, so the server must sync before it acknowledges.
 *
 * @param replicas servers of a cluster that keep the stream
 * @throws {ConfigError} if there are fewer servers than replicas
 */
export async function ensureIntake(nc: NatsConnection, tenant: string, replicas = 1): Promise<void> {
  const jsm = await nc.jetstreamManager()
  const name = intakeStream(tenant)
  const subjects = [`${SUBMIT_SUBJECT}.${tenant}.*`, ...(tenant === LOCAL.tenant ? [SUBMIT_SUBJECT] : [])]
  await ensureStream(jsm, {
    name,
    subjects,
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: INTAKE_BYTES_MAX,
    max_msg_size: INTAKE_MESSAGE_BYTES_MAX,
    duplicate_window: nanos(INTAKE_DUPLICATES_MS),
    deny_purge: true,
    deny_delete: true,
    num_replicas: replicas,
  })
  await ensureConsumer(jsm, name, INTAKE_CONSUMER, { ...CONSUMING, ack_wait: nanos(INTAKE_ACK_WAIT_MS) })
}

/** Work comes at once or through the queue. Disposing stops consuming, and waits for the work in progress. */
export async function consumeWork<C extends WorkContract>(
  { nc, outbox, log, instance }: Taking,
  contract: C,
  handler: WorkHandler<C>,
  { slots }: ConsumeOptions,
): Promise<AsyncDisposable> {
  const perform = async (msg: Received, deliveries: number): Promise<DeedError | undefined> => {
    const message = { subject: msg.subject, body: msg.data }
    const span = startProcessing(nc, contract, traceIn(msg), deliveries, message)
    try {
      const payload = readPayload(contract, msg)
      if (payload instanceof DeedError) {
        // It stays unreadable. Its cause is still in the rows from which it was made.
        span.fail(payload)
        log.error({ err: payload, subject: msg.subject }, 'dropping unreadable work')
        return payload
      }
      const from = headersOf(msg)?.get(FROM_HEADER) || undefined
      await span.run(() => handler(payload, { span, trace: span.trace, deliveries, from }))
      return undefined
    } catch (error) {
      span.fail(error)
      throw error
    } finally {
      span.end()
    }
  }
  let queued = 0
  const fromQueue = await consumeStream(
    nc,
    log,
    { stream: contract.stream, consumer: contract.consumer, slots },
    async (msg) => {
      queued++
      try {
        const unreadable = await perform(msg, msg.info.deliveryCount)
        if (unreadable) msg.term(unreadable.code)
        else outbox.say(() => msg.ack())
      } finally {
        queued--
      }
    },
  )
  const atOnce = takeAtOnce({ nc, outbox, log, instance }, contract, (inHand) => inHand + queued < slots, perform)
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all([atOnce, fromQueue].map((one) => one[Symbol.asyncDispose]()))
    },
  }
}

interface Received extends Headed {
  readonly subject: string
  readonly data: Uint8Array
}

function readPayload<C extends WorkContract>(contract: C, msg: Received): z.output<C['payload']> | DeedError {
  try {
    return validate(contract.payload, decodeJson(msg.data)) as z.output<C['payload']>
  } catch (error) {
    if (error instanceof DeedError) return error
    throw error
  }
}

/** Of work that was read already, or cannot be read. */
function idsIn(msg: JsMsg): object {
  try {
    return idsOf(decodeJson(msg.data))
  } catch {
    return {}
  }
}

export interface StreamOptions extends ConsumeOptions {
  stream: string
  consumer: string
}

/**
 * Consumes a stream, `slots` messages at a time. `take` acknowledges; if it throws, the message is redelivered. A
 * missing stream or consumer is awaited.
 */
export async function consumeStream(
  nc: NatsConnection,
  log: Log,
  { stream, consumer: name, slots }: StreamOptions,
  take: (msg: JsMsg) => Promise<void>,
): Promise<AsyncDisposable> {
  const js = nc.jetstream()
  const inHand = new Set<Promise<void>>()
  let stopped = false
  let messages: ConsumerMessages | undefined

  const handle = async (msg: JsMsg): Promise<void> => {
    /** No-op on a closed connection, where it would throw; the server redelivers the message by itself. */
    const acknowledge = (send: () => void): void => {
      if (!nc.isClosed()) send()
    }
    const working = setInterval(() => acknowledge(() => msg.working()), WORKING_EVERY_MS)
    try {
      await take(msg)
    } catch (error) {
      const parent = traceIn(msg)
      const about = { subject: msg.subject, ...idsIn(msg), ...(parent === undefined ? {} : loggedTrace(parent)) }
      log.error({ err: error, ...about }, 'work failed')
      acknowledge(() => msg.nak(REDELIVER_MS))
    } finally {
      clearInterval(working)
    }
  }

  const pump = async (): Promise<void> => {
    while (!stopped) {
      try {
        const consumer = await js.consumers.get(stream, name)
        messages = await consumer.consume({ max_messages: slots })
        stopWhenLost(messages).catch((error: unknown) => log.warn({ err: error, stream }, 'watching a stream failed'))
        for await (const msg of messages) {
          if (stopped) {
            // It was received but not started: another consumer may have it at once.
            msg.nak()
            continue
          }
          if (msg.redelivered) count('deed_redeliveries_total', { consumer: name })
          const work = handle(msg)
          inHand.add(work)
          void work.finally(() => inHand.delete(work))
          if (inHand.size >= slots) await Promise.race(inHand)
        }
      } catch (error) {
        if (!stopped && !nc.isClosed()) log.warn({ err: error, stream }, 'consuming a stream failed')
      }
      if (!stopped) await new Promise((resolve) => setTimeout(resolve, RECONSUME_MS))
    }
  }
  const pumping = pump()

  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      messages?.stop()
      await pumping
      await Promise.allSettled(inHand)
    },
  }
}

const GONE = new Set(['consumer_deleted', 'consumer_not_found', 'stream_not_found'])
const HEARTBEATS_MISSED_MAX = 2

/** Ends the consumption when the consumer or its stream is gone, so that it is looked up again. */
async function stopWhenLost(messages: ConsumerMessages): Promise<void> {
  for await (const { type, data } of await messages.status()) {
    const silent = type === 'heartbeats_missed' && Number(data) >= HEARTBEATS_MISSED_MAX
    if (GONE.has(type) || silent) messages.stop()
  }
}

/** @returns the creation time of a tenant's intake, and its first and last sequence; undefined if it does not exist */
export async function intakeState(
  nc: NatsConnection,
  tenant: string,
): Promise<{ created: string; first: number; last: number } | undefined> {
  const jsm = await nc.jetstreamManager()
  try {
    const { created, state } = await jsm.streams.info(intakeStream(tenant))
    // For a stream that never had a message the server reports 0.
    return { created: String(created), first: Math.max(1, state.first_seq), last: state.last_seq }
  } catch (error) {
    if (!(error instanceof NatsError) || error.code !== NOT_FOUND) throw error
    return undefined
  }
}

/** Messages with advice, for tenants without a durable intake. */
export async function missingIntake(nc: NatsConnection, tenants: readonly string[]): Promise<string[]> {
  const jsm = await nc.jetstreamManager()
  const missing: string[] = []
  for (const tenant of tenants) {
    const name = intakeStream(tenant)
    try {
      await jsm.streams.info(name)
    } catch (error) {
      if (!(error instanceof NatsError) || error.code !== NOT_FOUND) throw error
      missing.push(`stream ${name} is missing: execution.submit of ${tenant} is refused until bootstrap makes it`)
    }
  }
  return missing
}
