/** Calls of contracts: repeated while nobody answers, cancelled with their caller, late at their deadline. */
import { jsonText } from '@deed/json/json-text'
import { validate } from '@deed/json/validate'
import type { RequestContract } from '@deed/proto/contract'
import { DeedError, ErrorBody } from '@deed/proto/errors'
import { LOCAL, type Principal } from '@deed/proto/ids'
import { startSpan } from '@deed/telemetry/span'
import type { Trace } from '@deed/telemetry/trace-context'
import { type MsgHdrs, type NatsConnection, headers as newHeaders } from 'nats'
import type { z } from 'zod'
import type { Cancellations } from './cancellations.ts'
import { setTrace, TIMEOUT_HEADER } from './headers.ts'
import { messageAttributes } from './message-attributes.ts'
import type { Requests } from './requests.ts'

/** The delay before the first repeat of an unanswered idempotent request. */
const REPEAT_AFTER_MS = 5_000
/** Delays before a repeat without responders, in milliseconds; the last one is used from then on. */
const REPEAT_WAITS_MS = [20, 50, 100, 200, 500]

export interface CallOptions {
  principal?: Principal
  /** Defaults to the contract's. */
  timeoutMs?: number
  /** The trace that it is a part of. Absent or empty: it is not traced. */
  trace?: Trace | undefined
  signal?: AbortSignal
  /**
   * Repeat after a lost connection, and periodically without an answer: for requests with an idempotency key, whose
   * receiver may die before storing them. Idempotent contracts are repeated after a lost connection in any case.
   */
  repeat?: boolean
  /** Wait, within the deadline, until somebody answers. Default: true. */
  patient?: boolean
  /** Call only this instance, for a contract with `each`. */
  instance?: string | undefined
}

interface Calling {
  /** That calls. */
  service: string
  nc: NatsConnection
  requests: Requests
  cancellations: Cancellations
  /** Of calls that name none. */
  principal: Principal
}

/** @throws {DeedError} the answered error; `deadline_exceeded`, `cancelled`; `unavailable` if nobody serves the contract */
export async function call<C extends RequestContract>(
  { service, nc, requests, cancellations, principal: own }: Calling,
  contract: C,
  input: z.input<C['input']>,
  { principal = own, timeoutMs = contract.timeoutMs, trace, signal, repeat, patient = true, instance }: CallOptions,
): Promise<z.output<C['output']>> {
  const subject = `${subjectFor(contract.subject, principal)}${instance === undefined ? '' : `.${instance}`}`
  const payload = jsonText(input)
  const message = { operation: 'request', template: contract.subject, subject, body: payload } as const
  const span = trace
    ? startSpan(`request ${contract.subject}`, {
        parent: trace,
        service,
        kind: 'client',
        attributes: messageAttributes(nc, message),
      })
    : undefined
  const deadline = performance.now() + timeoutMs
  const repeatable = repeat ?? contract.idempotent
  try {
    for (let attempt = 0; ; attempt++) {
      const remaining = deadline - performance.now()
      // Each attempt but the first follows one that nobody was there for.
      if (remaining <= 0) throw nobodyError(contract)
      const headers = newHeaders()
      if (span) setTrace(headers, span.trace)
      headers.set(TIMEOUT_HEADER, String(Math.ceil(remaining)))
      const reply = await requests.send(subject, payload, headers, {
        timeoutMs: remaining,
        signal,
        repeatable,
        repeatAfterMs: repeat ? REPEAT_AFTER_MS : undefined,
        onCancelled: (replyTo) => cancellations.tell(contract.subject, replyTo),
      })
      if (reply.outcome === 'reply') return await readReply(contract, reply.data, reply.headers)
      if (reply.outcome === 'cancelled') throw new DeedError('cancelled', `the caller cancelled ${contract.subject}`)
      if (reply.outcome === 'timeout') throw lateError(contract, timeoutMs)
      const wait = REPEAT_WAITS_MS[Math.min(attempt, REPEAT_WAITS_MS.length - 1)] ?? 0
      if (!patient || performance.now() + wait >= deadline) throw nobodyError(contract)
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())))
    }
  } catch (error) {
    span?.fail(error)
    throw error
  } finally {
    span?.end()
  }
}

export const subjectFor = (subject: string, principal: Principal): string =>
  principal.tenant === LOCAL.tenant && principal.user === LOCAL.user
    ? subject
    : `${subject}.${principal.tenant}.${principal.user}`

async function readReply<C extends RequestContract>(
  contract: C,
  data: Uint8Array,
  headers: MsgHdrs | undefined,
): Promise<z.output<C['output']>> {
  if (headers?.has('Nats-Service-Error-Code')) {
    const error = ErrorBody.safeParse(JSON.parse(Buffer.from(data).toString() || 'null'))
    throw error.success
      ? DeedError.from(error.data)
      : new DeedError('internal', `${contract.subject} failed without a reason: ${headers.get('Nats-Service-Error')}`)
  }
  return validate(
    contract.output,
    JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()),
  ) as z.output<C['output']>
}

function nobodyError({ subject, owner }: RequestContract): DeedError {
  return new DeedError('unavailable', `nobody answers ${subject}; check that the ${owner} is running`)
}

function lateError(contract: RequestContract, timeoutMs: number): DeedError {
  return new DeedError('deadline_exceeded', `${contract.subject} did not answer within ${Math.round(timeoutMs)} ms`)
}
