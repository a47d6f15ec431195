/** Failures as answers of a tool: what is wrong and what to do next, as text that reaches the model. */
import { errorBody } from '@deed/mesh/bus'
import { DeedError, type ErrorBody, type ErrorCode } from '@deed/proto/errors'
import { defined } from '@deed/proto/json'
import type { CallToolResult } from '@modelcontextprotocol/server'
import type { z } from 'zod'

const A_PERSON = 'A person decides this: in the console, or with `deed approve <approval id>` in a terminal.'
const LATER = 'Call the tool again in a moment; on the machine of the mesh, `deed doctor` says what is wrong.'

const NEXT: Partial<Record<ErrorCode, string>> = {
  not_found: 'Find the id where it was listed or answered: this one does not exist.',
  self_approval: A_PERSON,
  forbidden: 'The message says who may: another role, or a person in the console or with `deed approve <approval id>`.',
  idempotency_conflict: 'Use another idempotency_key: this one belongs to another request.',
  limit_exceeded: 'It is at its limit: do not repeat it.',
  duplicate_id: 'Use another name, or the item that is there.',
  rate_limited: 'Wait some seconds, then call the tool again.',
  approval_already_used: 'Read the state with get_execution.',
  approval_expired: 'Request the work again with run_task.',
  approval_mismatch: 'Read the plan again with list_waiting.',
}

/** The sentence that says what to do. */
const nextOf = ({ code, retryable }: ErrorBody): string =>
  NEXT[code] ??
  (retryable ? LATER : 'Correct the arguments as the message says, or tell the person what is in the way.')

/**
 * The code is in the text and in `_meta`: a client that checks structured content by the schema of the output would refuse
 * an error in it.
 */
export function failure(error: unknown): CallToolResult {
  const body = errorBody(error)
  const { code, message, retryable, path, execution_id } = body
  const report = { error: { code, message, retryable, ...defined({ path, execution_id }) }, next: nextOf(body) }
  return {
    isError: true,
    content: [{ type: 'text', text: JSON.stringify(report) }],
    _meta: { 'deed/error': report.error },
  }
}

/** The error of arguments that a schema refuses. */
export function wrongArguments(error: z.ZodError): DeedError {
  const [issue] = error.issues
  const path = ['$', ...(issue?.path ?? [])].join('.')
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : ''
  return new DeedError('invalid_request', `${path}: ${issue?.message ?? 'wrong'}${more}`, { path })
}
