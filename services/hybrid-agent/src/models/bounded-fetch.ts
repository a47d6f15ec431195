/** The fetch of every model client: with a limit on the response, without redirects, and with failures as DeedErrors. */
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { redact } from '@deed/telemetry/redact'

/** Bounds a model that never stops writing. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024
const ERROR_CHARS_MAX = 300
/** After 429 without a time: half a minute; at most ten. */
const RATE_LIMITED_MS = 30_000
const PAUSE_MS_MAX = 600_000
/** A key that is refused, or an account without money, needs a person. */
const REFUSED_MS = 300_000
const REFUSED: ReadonlySet<number> = new Set([401, 402, 403])

/** The provider did no work for the call. */
const NOT_TAKEN_UP = { not_taken_up: true }

/** @param signal aborts the call, besides the signal of the call itself */
export function boundedFetch(signal?: AbortSignal): typeof fetch {
  return async (input, init = {}) => {
    const signals = [signal, init.signal].filter((one) => one instanceof AbortSignal)
    const response = await fetch(input, { ...init, redirect: 'error', signal: AbortSignal.any(signals) }).catch(
      (error: unknown) => {
        // Aborted by the caller: the server may still be working on it.
        throw signals.some(({ aborted }) => aborted) ? error : failure(error, NOT_TAKEN_UP)
      },
    )
    if (!response.ok) throw await refusal(response)
    const body = response.body?.pipeThrough(byteLimit())
    return new Response(body ?? null, { status: response.status, headers: response.headers })
  }
}

function byteLimit(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes > RESPONSE_BYTES_MAX)
        throw new DeedError('model_failed', `the model sent more than ${RESPONSE_BYTES_MAX} bytes`)
      controller.enqueue(chunk)
    },
  })
}

async function refusal(response: Response): Promise<DeedError> {
  const { status } = response
  const message = `the model server answered ${status}: ${await beginningOf(response)}`
  return failure(new Error(message), { ...NOT_TAKEN_UP, ...pauseAfter(status, response.headers.get('retry-after')) })
}

/** The body may be endless. */
async function beginningOf({ body }: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length >= ERROR_CHARS_MAX) break
  }
  return text.slice(0, ERROR_CHARS_MAX)
}

/** @param retryAfter seconds, or a date */
function pauseAfter(status: number, retryAfter: string | null): JsonObject {
  if (REFUSED.has(status)) return { pause_ms: REFUSED_MS }
  if (status !== 429) return {}
  const ms = /^\d+$/.test(retryAfter ?? '') ? Number(retryAfter) * 1_000 : Date.parse(retryAfter ?? '') - Date.now()
  return { pause_ms: ms > 0 ? Math.min(ms, PAUSE_MS_MAX) : RATE_LIMITED_MS }
}

/** Turns every failure of a call into a model_failed error with a readable message. */
export async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DeedError ? error : failure(error)
  }
}

/** Without a cause: the errors of clients hold the question and the headers. */
function failure(error: unknown, details?: JsonObject): DeedError {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const message = error instanceof Error ? error.message : String(error)
  const late = error instanceof Error && error.name === 'TimeoutError'
  const reason = late ? 'the model did not answer in time' : `${message}${cause}`
  return new DeedError('model_failed', redact(reason), { details })
}
