/** Errors of the mesh as answers of HTTP: the ordinary envelope, with the status that fits. */
import { errorBody } from '@deed/mesh/bus'
import type { ErrorCode } from '@deed/proto/errors'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

const STATUSES: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  unauthenticated: 401,
  forbidden: 403,
  self_approval: 403,
  not_found: 404,
  payload_too_large: 413,
  rate_limited: 429,
  overloaded: 429,
  internal: 500,
  unavailable: 503,
  deadline_exceeded: 504,
  idempotency_conflict: 409,
  approval_already_used: 409,
  approval_mismatch: 409,
  approval_expired: 409,
}

export function errorAnswer(error: unknown): { status: ContentfulStatusCode; body: { error: object } } {
  const body = errorBody(error)
  return { status: STATUSES[body.code] ?? (body.retryable ? 503 : 400), body: { error: body } }
}
