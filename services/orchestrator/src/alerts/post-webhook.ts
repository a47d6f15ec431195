/** Posts one alert to one webhook: signed, retried with growing delays, without following redirects. */
import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert } from '@deed/proto/alert'
import { HTTP_REQUEST_METHOD, HTTP_REQUEST_RESEND_COUNT, HTTP_RESPONSE_STATUS_CODE } from '@deed/telemetry/names'
import { inChildSpan } from '@deed/telemetry/span'

export interface Webhook {
  /** The URL of execution.yaml; redirects are not followed. */
  url: string
  /** The alerts to send; absent: all. */
  names: readonly string[] | undefined
  /** The signing key; absent: unsigned. */
  secret: string | undefined
}

const ANSWER_MS_MAX = 10_000
/** The delay before each retry, in milliseconds. */
const WAITS_MS = [1_000, 2_000, 5_000, 15_000, 60_000, 120_000]
const AGAIN = new Set([408, 425, 429])

/**
 * Resolves once the webhook has answered with a 2xx. Its headers: `Deed-Alert-Id`, which identifies repeats, and
 * `Deed-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 with the secret over `<seconds>.<body>`.
 *
 * @throws if it refuses, or fails in all tries
 */
export async function postWebhook({ url, secret }: Webhook, alert: Alert, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify(alert)
  for (let attempt = 0; ; attempt++) {
    const failure = await tracePost(attempt, () => post(url, body, headersOf(alert, body, secret), signal))
    if (failure === undefined) return
    const wait = WAITS_MS[attempt]
    // The URL may be a secret, so the message omits it.
    if (!failure.mayPass || wait === undefined) throw new Error(`the webhook for ${alert.name} ${failure.why}`)
    await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal })
  }
}

interface Answer {
  /** Undefined without one. */
  status: number | undefined
  /** Undefined if it has taken the alert. */
  failure?: { why: string; mayPass: boolean }
}

/** `POST`, a span for each try. The URL may be a secret, so the span has no part of it. */
const tracePost = (resends: number, send: () => Promise<Answer>): Promise<Answer['failure']> =>
  inChildSpan('POST', { kind: 'client', attributes: { [HTTP_REQUEST_METHOD]: 'POST' } }, async (span) => {
    const { status, failure } = await send()
    if (resends > 0) span?.setAttribute(HTTP_REQUEST_RESEND_COUNT, resends)
    if (status !== undefined) span?.setAttribute(HTTP_RESPONSE_STATUS_CODE, status)
    if (failure) span?.fail({ code: String(status ?? 'no_answer'), message: failure.why })
    return failure
  })

function headersOf(alert: Alert, body: string, secret: string | undefined): Record<string, string> {
  const seconds = Math.floor(Date.now() / 1_000)
  return {
    'content-type': 'application/json',
    'deed-alert-id': alert.alert_id,
    ...(secret === undefined ? {} : { 'deed-signature': `t=${seconds},v1=${sign(secret, seconds, body)}` }),
  }
}

const sign = (secret: string, seconds: number, body: string): string =>
  createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')

async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  stopping: AbortSignal,
): Promise<Answer> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_MS_MAX)])
  try {
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal })
    await response.body?.cancel()
    const { ok, status } = response
    if (ok) return { status }
    return { status, failure: { why: `answered ${status}`, mayPass: status >= 500 || AGAIN.has(status) } }
  } catch (error) {
    if (stopping.aborted) throw error
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    return { status: undefined, failure: { why: `did not answer: ${cause}`, mayPass: true } }
  }
}
