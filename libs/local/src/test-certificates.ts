/** Certificates for servers in tests, made by openssl. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Why there are none, for the title of a test that is skipped. */
export const withoutOpenssl = spawnSync('openssl', ['version']).error ? ' (skipped: openssl is not installed)' : ''

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface Pem {
  readonly cert: string
  readonly key: string
}

/** An authority, or a certificate of one. */
export function makeAuthority(folder: string, name: string): Pem {
  const made = pathsOf(folder, name)
  openssl(['req', '-x509', ...KEY, '-keyout', made.key, '-out', made.cert, '-days', '2', '-subj', `/CN=${name}`])
  return made
}

/**
 * @param names such as `DNS:localhost,IP:127.0.0.1`
 * @param days negative: it has expired
 */
export function makeCertificate(folder: string, name: string, authority: Pem, names: string, days = 2): Pem {
  const made = pathsOf(folder, name)
  const request = join(folder, `${name}.csr`)
  const extensions = join(folder, `${name}.ext`)
  writeFileSync(extensions, `subjectAltName=${names}\n`)
  openssl(['req', ...KEY, '-keyout', made.key, '-out', request, '-subj', `/CN=${name}`])
  openssl([
    ...['x509', '-req', '-in', request, '-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial'],
    ...['-out', made.cert, '-extfile', extensions, '-days', String(days)],
  ])
  return made
}

const pathsOf = (folder: string, name: string): Pem => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
})

function openssl(args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
