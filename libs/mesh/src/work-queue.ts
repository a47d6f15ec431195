/**
 * The work queue: a JetStream stream that keeps a message until one consumer has done it.
 *
 * JetStream cannot fence, and hides what was delivered too often; so the queue only hands out, and
 * PostgreSQL decides who may act and when to give up.
 */
import type { WorkContract } from '@deed/proto/contract'
import type { Logger } from '@deed/telemetry/logger'
import { startSpan } from '@deed/telemetry/span'
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
import { decodeJson } from './decode.ts'
import { validate } from './validate.ts'

const ACK_WAIT_MS = 30_000
/** How often an unfinished message's redelivery is put off. */
const WORKING_EVERY_MS = 10_000
/** A handler that threw gets the message again after this. */
const REDELIVER_MS = 1_000
const RECONSUME_MS = 500
const WORK_BYTES_MAX = 256 * 1024 * 1024

export interface WorkScope {
  readonly trace: string
  readonly traceId: string
  readonly deliveries: number
}

export type WorkHandler<C extends WorkContract> = (payload: z.output<C['payload']>, scope: WorkScope) => Promise<void>

export interface ConsumeOptions {
  /** Messages in hand at once. */
  slots: number
}

/**
 * Makes the streams of `contracts` and their consumers, or makes them again where they are gone.
 * Memory storage: what waits there can be handed out again from PostgreSQL at any time.
 */
export async function ensureWorkQueues(nc: NatsConnection, contracts: readonly WorkContract[]): Promise<void> {
  const jsm = await nc.jetstreamManager()
  const streams = new Map<string, WorkContract[]>()
  for (const contract of contracts) streams.set(contract.stream, [...(streams.get(contract.stream) ?? []), contract])
  for (const [name, members] of streams) {
    const subjects = members.map((contract) => `${contract.subject}.>`)
    await unlessThere(() => jsm.streams.info(name), () =>
      jsm.streams.add({
        name,
        subjects,
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.Memory,
        discard: DiscardPolicy.New,
        max_bytes: WORK_BYTES_MAX,
        num_replicas: 1,
      }),
    )
    for (const contract of members) {
      await unlessThere(() => jsm.consumers.info(name, contract.consumer), () =>
        jsm.consumers.add(name, {
          durable_name: contract.consumer,
          filter_subject: `${contract.subject}.>`,
          ack_policy: AckPolicy.Explicit,
          ack_wait: nanos(ACK_WAIT_MS),
          max_deliver: -1,
          max_ack_pending: 10_000,
        }),
      )
    }
  }
}

/** The API's code for what does not exist. */
const NOT_FOUND = '404'

async function unlessThere(look: () => Promise<unknown>, make: () => Promise<unknown>): Promise<void> {
  try {
    await look()
  } catch (error) {
    if (!(error instanceof NatsError) || error.code !== NOT_FOUND) throw error
    await make()
  }
}

/** Disposing stops taking, and waits for what is in hand. */
export async function consumeWork<C extends WorkContract>(
  nc: NatsConnection,
  log: Logger,
  contract: C,
  handler: WorkHandler<C>,
  { slots }: ConsumeOptions,
): Promise<AsyncDisposable> {
  const js = nc.jetstream()
  const inHand = new Set<Promise<void>>()
  let stopped = false
  let messages: ConsumerMessages | undefined

  const take = async (msg: JsMsg): Promise<void> => {
    const working = setInterval(() => msg.working(), WORKING_EVERY_MS)
    const parent = msg.headers?.get('traceparent')
    const span = startSpan(`${contract.subject} process`, { parent, kind: 'consumer', attributes: { 'messaging.system': 'nats' } })
    try {
      const payload = validate(contract.payload, decodeJson(msg.data)) as z.output<C['payload']>
      const scope = { trace: span.traceparent, traceId: span.traceId, deliveries: msg.info.deliveryCount }
      await span.run(() => handler(payload, scope))
      msg.ack()
    } catch (error) {
      span.fail(error)
      log.error({ err: error, subject: msg.subject, trace_id: span.traceId }, 'work failed')
      msg.nak(REDELIVER_MS)
    } finally {
      clearInterval(working)
      span.end()
    }
  }

  const pump = async (): Promise<void> => {
    // The stream is in memory: a restarted server has none until the orchestrator makes it again.
    while (!stopped) {
      try {
        const consumer = await js.consumers.get(contract.stream, contract.consumer)
        messages = await consumer.consume({ max_messages: slots })
        const { promise: lost, resolve } = Promise.withResolvers<void>()
        void watchConsumer(messages, resolve)
        for await (const msg of messages) {
          const work = take(msg)
          inHand.add(work)
          void work.finally(() => inHand.delete(work))
          if (inHand.size >= slots) await Promise.race(inHand)
        }
        await Promise.race([lost, messages.closed()])
      } catch (error) {
        if (!stopped && !nc.isClosed()) log.warn({ err: error, stream: contract.stream }, 'work queue is away')
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

/** Ends the consumption when the consumer or its stream is gone, so that it is looked for anew. */
async function watchConsumer(messages: ConsumerMessages, lost: () => void): Promise<void> {
  for await (const status of await messages.status()) {
    if (['consumer_deleted', 'consumer_not_found', 'stream_not_found', 'no_responders'].includes(status.type)) {
      messages.stop()
      lost()
      return
    }
    if (status.type === 'heartbeats_missed' && Number(status.data) >= 2) {
      messages.stop()
      lost()
      return
    }
  }
}
