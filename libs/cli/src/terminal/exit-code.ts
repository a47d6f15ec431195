/** What the command's exit code says, and which failure gets which. */
import { ConfigError, EX_CONFIG } from '@deed/config/config-error'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ExecutionReply } from '@deed/proto/execution'

export const EXIT = {
  /** What was asked for is so; of a task: it is done, and was verified. With --no-wait: the request was recorded. */
  success: 0,
  /** It is not so: it failed, was denied, was undone or is not at its end yet; of a check: something was found. */
  failed: 1,
  /** The command line is wrong, or the mesh refused the request. Nothing was done. */
  refused: 2,
  /** No mesh was reached, or nobody in it answers. */
  unreachable: 3,
  /** A setting of the mesh cannot be used (EX_CONFIG of sysexits.h), as the services end with. */
  configuration: EX_CONFIG,
  /** Ctrl+C, pressed twice where the first one drains. */
  interrupted: 130,
} as const

/** The command line asks for what cannot be. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** There is no mesh to talk to. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UnreachableError) return EXIT.unreachable
  if (error instanceof UsageError) return EXIT.refused
  if (error instanceof ConfigError) return EXIT.configuration
  if (!(error instanceof DeedError)) return EXIT.failed
  if (error.code === 'unavailable' || error.code === 'deadline_exceeded') return EXIT.unreachable
  return error.code === 'internal' ? EXIT.failed : EXIT.refused
}

/** 0 for a success only, which is one that is verified against the task. */
export const exitCodeOfReply = ({ status, metrics }: Pick<ExecutionReply, 'status' | 'metrics'>): number =>
  status === 'done' && metrics.success ? EXIT.success : EXIT.failed

/** As JSON shows a failure. */
export function errorDocument(error: unknown): { error: Pick<ErrorBody, 'code' | 'message'> | ErrorBody } {
  if (error instanceof DeedError) return { error: error.body }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof UnreachableError) return { error: { code: 'unavailable', message, retryable: true } }
  if (error instanceof UsageError || error instanceof ConfigError)
    return { error: { code: 'invalid_request', message, retryable: false } }
  return { error: { code: 'internal', message, retryable: true } }
}
