/** What to change where a server cannot be used, from the error of its client. */

const POSTGRES_PORT = 5432

/** By the codes of Node's TLS, and of what it read. */
const CERTIFICATE_FAULTS: readonly [codes: RegExp, change: string][] = [
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, 'renew it, or correct the clock'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'name the server in $URL as the certificate does'],
  [/SELF_SIGNED|UNABLE_TO|^CERT_/, 'name the authority that issued it in $CA'],
]

/**
 * @param code of the error
 * @param names of the settings of the address and of the authority
 * @returns undefined where it is not about a certificate
 */
export function certificateChange(code: string, names: { url: string; ca: string }): string | undefined {
  const change = CERTIFICATE_FAULTS.find(([codes]) => codes.test(code))?.[1]
  return change?.replace('$URL', names.url).replace('$CA', names.ca)
}

/** Whether a file that a setting names cannot be read, by the code of the error. */
export const isUnreadable = (code: string): boolean => /^(ENOENT|EACCES|EISDIR)$/.test(code)

/** The code of an error of Node, of a client or of PostgreSQL; empty without one. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** The messages of an AggregateError are in its parts. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ')
  return cause instanceof Error ? cause.message : String(cause)
}

/** Host and port of a server, without user and password. */
export function addressOf(url: string, port: number): string {
  const { hostname, port: given } = new URL(url)
  return `${hostname}:${given === '' ? port : given}`
}

/**
 * @param url of the database
 * @returns what to change, or undefined where PostgreSQL may only be away
 */
export function databaseFault(error: unknown, url: string): string | undefined {
  const server = `the PostgreSQL at ${addressOf(url, POSTGRES_PORT)}`
  const { pathname, username } = new URL(url)
  const said = reasonOf(error)
  const code = codeOf(error)
  const role = decodeURIComponent(username)
  if (code === '28P01' || code === '28000')
    return `${server} refuses the login of the role ${role} (${said}); correct the user and the password`
  if (code === '3D000')
    return `${server} has no database ${decodeURIComponent(pathname.slice(1))}; create it, or name another`
  if (code === '42501')
    return (
      `${server} does not let the role ${role} prepare the database (${said}); the roles deed_* of another installation may ` +
      'be there already: use its owner, or a superuser'
    )
  if (/does not support SSL/.test(said))
    return `${server} does not encrypt; set ssl=on there, or leave sslmode out of the URL`
  if (isUnreadable(code) || /^ERR_OSSL/.test(code))
    return `a file for ${server} cannot be used (${said}); correct sslrootcert, sslcert or sslkey in the URL`
  const change = certificateChange(code, { url: 'the URL', ca: 'sslrootcert' })
  return change === undefined ? undefined : `the certificate of ${server} cannot be trusted (${said}); ${change}`
}
