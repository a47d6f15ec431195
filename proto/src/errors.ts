/** Every named error, and its form on the wire. */
import { z } from 'zod'
import { ExecutionId } from './ids.ts'
import { defined, JsonObject } from './json.ts'

/** Codes, and whether the same request may succeed later unchanged. */
export const ERRORS = {
  // The message cannot be parsed.
  invalid_json: false,
  invalid_encoding: false,
  invalid_header: false,
  payload_too_large: false,
  too_deep: false,
  too_many_keys: false,
  forbidden_key: false,
  // The message is parsed, but requests something impossible.
  invalid_request: false,
  missing_field: false,
  unknown_field: false,
  empty_task: false,
  standing_goal: false,
  goal_conflict: false,
  invalid_number: false,
  out_of_range: false,
  idempotency_conflict: false,
  duplicate_id: false,
  cyclic_dependency: false,
  unknown_dependency: false,
  too_many_nodes: false,
  too_many_edges: false,
  unknown_kind: false,
  unknown_kind_version: true,
  unknown_target: false,
  unknown_workspace: false,
  path_outside_workspace: false,
  protected_path: false,
  symlink_loop: false,
  not_a_regular_file: false,
  not_read_only: false,
  blocked_address: false,
  command_not_allowed: false,
  invalid_template: false,
  invalid_manifest: false,
  // The requester is not allowed to.
  unauthenticated: false,
  forbidden: false,
  self_approval: false,
  approval_already_used: false,
  approval_mismatch: false,
  approval_expired: false,
  approval_denied: false,
  irreversible_first: false,
  // Something requested does not exist.
  not_found: false,
  unknown_task: false,
  stale_token: false,
  evidence_missing: false,
  not_cancellable: false,
  not_undoable: false,
  already_rolled_back: false,
  irreversible: false,
  not_pausable: false,
  not_retryable: false,
  // The work failed.
  not_understood: false,
  no_solution: false,
  budget_exceeded: false,
  effect_failed: false,
  verification_failed: false,
  unverified: false,
  precondition_failed: false,
  tool_changed: false,
  limit_exceeded: false,
  compensation_failed: false,
  undo_conflict: false,
  cancelled: false,
  too_many_deliveries: false,
  model_failed: true,
  // It may work later.
  overloaded: true,
  rate_limited: true,
  unavailable: true,
  deadline_exceeded: true,
  lease_lost: true,
  internal: true,
} as const satisfies Record<string, boolean>

export type ErrorCode = keyof typeof ERRORS
export const ERROR_CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]
export const ErrorCode = z.enum(ERROR_CODES)

/** The body of every refusal. `message` is a sentence that says what to change. */
export const ErrorBody = z.object({
  code: ErrorCode,
  message: z.string(),
  /** The position in the request, as `$.context.workspace`. */
  path: z.string().optional(),
  execution_id: ExecutionId.optional(),
  retryable: z.boolean(),
  details: JsonObject.optional(),
})
export type ErrorBody = z.output<typeof ErrorBody>

/** A named error. It travels as its `body`; any other thrown value is a bug, and travels as `internal`. */
export class DeedError extends Error {
  override readonly name = 'DeedError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly path: string | undefined
  readonly executionId: ExecutionId | undefined
  readonly details: JsonObject | undefined

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.retryable = facts.retryable ?? ERRORS[code]
    this.path = facts.path
    this.executionId = facts.executionId
    this.details = facts.details
  }

  static from(body: ErrorBody): DeedError {
    return new DeedError(body.code, body.message, {
      retryable: body.retryable,
      path: body.path,
      executionId: body.execution_id,
      details: body.details,
    })
  }

  get body(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...defined({ path: this.path, execution_id: this.executionId, details: this.details }),
    }
  }
}

export interface ErrorFacts {
  path?: string | undefined
  executionId?: ExecutionId | undefined
  retryable?: boolean | undefined
  details?: JsonObject | undefined
  cause?: unknown
}
