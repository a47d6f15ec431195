/**
 * The durable intake: `execution.submit`, whose publish acknowledgement promises execution.
 *
 * A message is acknowledged when its execution is stored. A message that cannot become an execution is stored as a
 * failed one, so that the submitter can find out why.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { decodeJson } from '@deed/json/decode'
import { validate } from '@deed/json/validate'
import { type Bus, errorBody } from '@deed/mesh/bus'
import { type Headed, headersOf, traceIn } from '@deed/mesh/headers'
import { consumeStream, INTAKE_CONSUMER } from '@deed/mesh/work-queue'
import { startProcessing } from '@deed/mesh/work-span'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import {
  ExecutionRequest,
  IdempotencyKey,
  intakeKey,
  intakeStream,
  SUBMIT_SUBJECT,
  WordsRequest,
} from '@deed/proto/execution'
import { LOCAL, type Principal } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import { redact, redactValue } from '@deed/telemetry/redact'
import type { Trace } from '@deed/telemetry/trace-context'
import { z } from 'zod'
import { isoTime } from '../execution/iso-time.ts'
import { admissionOf, emptySnapshot, newExecution } from '../execution/new-execution.ts'
import { type Accepting, acceptExecution } from './accept-execution.ts'
import type { RateLimit } from './rate-limit.ts'
import { dropManifest, type Taking, takeManifest } from './take-manifest.ts'
import { admitRequest } from './validate-request.ts'

const SLOTS = 64
const DELIVERIES_MAX = 5
/** If too many executions wait, the limit is checked again after this time. */
const FULL_MS = 500
const WORDS_KEPT = 256

interface Opening {
  bus: Bus
  log: Log
  config: ExecutionConfig
  limits: RateLimit
  tenant: string
}

/** Disposing stops consuming, and finishes the messages in progress. */
export async function startIntake(
  accepting: Accepting & Taking,
  { bus, log, config, limits, tenant }: Opening,
): Promise<AsyncDisposable> {
  const stream = intakeStream(tenant)
  const stopping = new AbortController()
  const consuming = await consumeStream(
    bus.nc,
    log,
    { stream, consumer: INTAKE_CONSUMER, slots: SLOTS },
    async (msg) => {
      // Durable submissions are not refused: they wait in the stream.
      while (limits.isFull(tenant)) await sleep(FULL_MS, undefined, { signal: stopping.signal })
      const contract = { subject: SUBMIT_SUBJECT, consumer: 'orchestrator' } as const
      const message = { subject: msg.subject, body: msg.data }
      const span = startProcessing(bus.nc, contract, traceIn(msg), msg.info.deliveryCount, message)
      try {
        const [user] = msg.subject.split('.').slice(3)
        const principal = user === undefined ? LOCAL : { tenant, user }
        try {
          if (msg.info.deliveryCount > DELIVERIES_MAX) {
            throw new DeedError(
              'too_many_deliveries',
              `it was delivered ${msg.info.deliveryCount} times without success; look for the cause in the log of the orchestrator, then submit it again`,
            )
          }
          const asked = validate(ExecutionRequest, decodeJson(msg.data, { exactIntegers: true }))
          const key = asked.idempotency_key ?? messageId(msg) ?? intakeKey(stream, msg.seq)
          const whole = await takeManifest(accepting, principal, { ...asked, idempotency_key: key })
          const request = admitRequest(config, whole)
          const submitted = { request, principal, trace: span.trace, root: span.open(), sequence: msg.seq }
          const accepted = await acceptExecution(accepting, { ...submitted, waiter: undefined })
          span.setExecution(accepted.id)
          // It ends with the execution.
          if (!accepted.existed) span.leaveOpen()
          await dropManifest(accepting, principal, asked)
        } catch (error) {
          const body = errorBody(error)
          if (body.retryable) throw error
          span.fail(error)
          // The error may quote the message.
          const refused = { principal, trace: span.trace, body: redactValue(body), msg }
          const key = keyOf(msg)
          // Findable by its key, too, unless another request has that key, or it contains a secret.
          const usable = key !== undefined && redact(key) === key
          const stored = usable && (await storeRefusal(accepting, { ...refused, key }))
          if (!stored) await storeRefusal(accepting, { ...refused, key: intakeKey(stream, msg.seq) })
        }
        await msg.ackAck()
      } catch (error) {
        span.fail(error)
        throw error
      } finally {
        span.end()
      }
    },
  )
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await consuming[Symbol.asyncDispose]()
    },
  }
}

/** @throws {DeedError} `invalid_header` if it cannot be a key */
function messageId(msg: Headed): string | undefined {
  const id = headersOf(msg)?.get('Nats-Msg-Id') || undefined
  if (id === undefined || IdempotencyKey.safeParse(id).success) return id
  throw new DeedError(
    'invalid_header',
    'Nats-Msg-Id must be printable ASCII without spaces, at most 256 characters, since it is the idempotency key',
    { path: 'headers.Nats-Msg-Id' },
  )
}

/** The key of a message that cannot be parsed, or is refused. */
function keyOf(msg: Headed & { data: Uint8Array }): string | undefined {
  try {
    const { data } = z
      .object({ idempotency_key: IdempotencyKey })
      .safeParse(JSON.parse(Buffer.from(msg.data).toString()))
    return data?.idempotency_key ?? messageId(msg)
  } catch {
    return idOf(msg)
  }
}

function idOf(msg: Headed): string | undefined {
  try {
    return messageId(msg)
  } catch {
    return undefined
  }
}

interface Refused {
  principal: Principal
  trace: Trace
  key: string
  body: ErrorBody
  msg: { data: Uint8Array; seq: number }
}

/** @returns false if another request has the key, and nothing was stored */
async function storeRefusal(
  { admit, clock, markEnded }: Accepting,
  { principal, trace, key, body, msg }: Refused,
): Promise<boolean> {
  const now = clock.now()
  const words = redact(Buffer.from(msg.data).toString('utf8')).slice(0, WORDS_KEPT).replaceAll('\0', '')
  const request = WordsRequest.parse({ task: words.toWellFormed(), idempotency_key: key })
  const execution = newExecution({ request, principal, trace }, now)
  const admission = admissionOf(execution, { principal, waiter: undefined, sequence: msg.seq })
  Object.assign(execution, {
    status: 'failed',
    method: 'error',
    error: body,
    result: { text: `failed: ${body.message}` },
    finished_at: isoTime(now),
  })
  const { request_hash: hash, existed } = await admit(admission)
  if (!existed) markEnded(emptySnapshot(execution))
  return hash === execution.request_hash
}
