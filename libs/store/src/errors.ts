/** Errors of the store with a name that callers can rely on: the same request may work later. */

/** The queue of the store is full. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError'
  readonly code = 'overloaded'
  readonly retryable = true
}

/** A statement failed in every try. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError'
  readonly code = 'unavailable'
  readonly retryable = true

  constructor(cause: unknown) {
    const state = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    super(`${WHY[state] ?? 'the database does not answer'}; try again later`, { cause })
  }
}

/** By SQLSTATE. */
const WHY: Record<string, string> = {
  '25006': 'the database is read-only at the moment',
  '40001': 'the database is busy with conflicting changes',
  '40P01': 'the database is busy with conflicting changes',
  '53100': 'the disk of the database is full: free some space there',
  '53200': 'the database is out of memory',
  '53300': 'the database has no free connection',
}
