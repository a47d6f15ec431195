/** Requests to the mesh, as the signed-in person. */
import type { ErrorBody } from '@deed/proto/errors'
import { signal } from '@preact/signals'
import type { Input, Output, Subject } from './contracts.ts'

/** `offline`: the console cannot be reached. `signed_out`: the session has ended. The others are the mesh's own. */
export type CallErrorCode = ErrorBody['code'] | 'offline' | 'signed_out'

/** A refusal. `message` is a sentence that says what to change. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: CallErrorCode
  /** The same request may succeed later, unchanged. */
  readonly retryable: boolean
  readonly details: ErrorBody['details'] | undefined

  constructor(code: CallErrorCode, message: string, retryable: boolean, details?: ErrorBody['details']) {
    super(message)
    this.code = code
    this.retryable = retryable
    this.details = details
  }
}

/** Of the session; every request carries it. */
export const csrf = signal('')
/** Grows when a request finds that the session has ended. */
export const signedOut = signal(0)

/**
 * @returns the output of the contract
 * @throws {CallError} if the mesh refuses, or the console cannot be reached
 */
export async function call<S extends Subject>(
  subject: S,
  input: Input<S>,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Output<S>> {
  return (await post(`/api/call/${subject}`, input, signal)) as Output<S>
}

/** @returns the body of the answer; undefined if it has none */
export async function post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  return send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-deed-csrf': csrf.value },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
}

export async function send(path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(path, { credentials: 'same-origin', ...init }).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause
    throw new CallError('offline', 'The console cannot be reached. The page tries again by itself.', true)
  })
  const answer: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined)
  if (response.ok) return answer
  if (response.status === 401) signedOut.value += 1
  throw errorOf(response.status, answer)
}

/** The error in the body of an answer. */
export function errorOf(status: number, answer: unknown): CallError {
  if (status === 401) return new CallError('signed_out', 'The session has ended. Sign in again.', false)
  const body = (answer as { error?: Partial<ErrorBody> } | undefined)?.error
  if (typeof body?.code === 'string' && typeof body.message === 'string') {
    return new CallError(body.code, body.message, body.retryable === true, body.details)
  }
  return new CallError('internal', `The console answered with status ${status}. Its log says more.`, status >= 500)
}
