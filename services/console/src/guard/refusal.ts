/** What the console refuses: answered with a sentence, logged, counted by its reason, and audited. */
import type { ConsoleRefusal } from '@deed/proto/console'
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import { count } from '@deed/telemetry/metrics'

const CODES: Record<ConsoleRefusal, ErrorCode> = {
  host: 'forbidden',
  origin: 'forbidden',
  session: 'unauthenticated',
  csrf: 'forbidden',
  role: 'forbidden',
  sign_in: 'unauthenticated',
  replay: 'unauthenticated',
  rate: 'rate_limited',
  passkey: 'forbidden',
  body: 'invalid_request',
  live_limit: 'rate_limited',
  live_slow: 'limit_exceeded',
  approval: 'forbidden',
}

/** Thrown where a request must not go on. */
export class Refusal extends DeedError {
  readonly reason: ConsoleRefusal

  constructor(reason: ConsoleRefusal, message: string, code: ErrorCode = CODES[reason]) {
    super(code, message)
    this.reason = reason
  }
}

/** A request that was refused, as far as it is known; no value that it sent, but its address, path and user. */
export interface Refused {
  readonly address?: string | undefined
  readonly path?: string | undefined
  readonly tenant?: string | undefined
  readonly user?: string | undefined
}

export interface Refusals {
  /** Logs, counts and audits a refusal. */
  note(refusal: Pick<Refusal, 'reason' | 'message'> & { readonly code?: ErrorCode }, about: Refused): void
}

interface Audit {
  add(what: { reason: ConsoleRefusal; code: ErrorCode }, about: Refused): void
}

export const openRefusals = (log: Log, audit: Audit): Refusals => ({
  note({ reason, message, code = CODES[reason] }, about) {
    count('deed_console_refusals_total', { reason })
    log.warn({ reason, ...about }, `refused: ${message}`)
    audit.add({ reason, code }, about)
  },
})
