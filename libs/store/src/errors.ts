/** The failures of the store that a caller is told of by name: the same request may work later. */

/** More is asked of the store than it takes. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError'
  readonly code = 'overloaded'
  readonly retryable = true
}

/** PostgreSQL did not take a statement, however often it was asked. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError'
  readonly code = 'unavailable'
  readonly retryable = true

  constructor(cause: unknown) {
    const state = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    super(`${WHY[state] ?? 'the database does not answer'}; ask again later`, { cause })
  }
}

/** By SQLSTATE. */
const WHY: Record<string, string> = {
  '25006': 'the database takes no writes at the moment: it is read-only',
  '40001': 'the database is busy with conflicting changes',
  '40P01': 'the database is busy with conflicting changes',
  '53100': 'the disk of the database is full: free some space there',
  '53200': 'the database is out of memory',
  '53300': 'the database has no connection left',
}
