/** Which failures of PostgreSQL may pass by themselves, by SQLSTATE. */

/**
 * Connections, transactions that lost against others, resources that were short, locks that were held, a server that stops
 * or starts. 08P01 is not among them: a message that breaks the protocol breaks it every time.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT = /^(?:08(?!P01)|40|53|55P03|57P0)/

const SQLSTATE = /^[0-9A-Z]{5}$/

/** @returns `undefined` for an error that no server has sent: a connection that broke */
export function sqlstateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return SQLSTATE.test(code) ? code : undefined
}

/** @param code absent: the connection broke, which may pass */
export const isTransient = (code: string | undefined): boolean => code === undefined || TRANSIENT.test(code)
