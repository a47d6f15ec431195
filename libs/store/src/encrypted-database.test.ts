// TLS between a service and a real PostgreSQL: what is accepted, and what each fault is told as.
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { type EmbeddedPostgres, startPostgres } from '@deed/local/postgres'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { makeAuthority, makeCertificate, type Pem, withoutOpenssl } from '@deed/local/test-certificates'
import { createLogger } from '@deed/telemetry/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from './database.ts'

const log = createLogger('test')
/** `nobody`, who runs the server if root runs the test. */
const NOBODY_ID = 65_534

describe.skipIf(withoutOpenssl)(`an encrypted connection to PostgreSQL${withoutOpenssl}`, () => {
  const opened = new AsyncDisposableStack()
  let authority: Pem
  let other: Pem
  let client: Pem
  let postgres: EmbeddedPostgres
  beforeAll(async () => {
    const folder = opened.use(temporaryFolder()).path
    authority = makeAuthority(folder, 'authority')
    other = makeAuthority(folder, 'other')
    client = makeCertificate(folder, 'deed', authority, 'DNS:deed')
    const own = join(folder, 'server')
    mkdirSync(own)
    const server = makeCertificate(own, 'server', authority, 'DNS:localhost')
    for (const path of [own, server.key]) {
      chmodSync(path, 0o700)
      if (process.getuid?.() === 0) chownSync(path, NOBODY_ID, NOBODY_ID)
    }
    chmodSync(own, 0o711)
    for (const path of [server.cert, authority.cert]) chmodSync(path, 0o644)
    if (process.getuid?.() === 0) chmodSync(server.key, 0o600)
    const settings = { ssl: 'on', ssl_cert_file: server.cert, ssl_key_file: server.key, ssl_ca_file: authority.cert }
    const dataDir = join(folder, 'postgres')
    postgres = opened.use(await startPostgres({ dataDir, durable: false, settings }))
  })
  afterAll(() => opened.disposeAsync())

  const urlOf = (parameters: Record<string, string>, host = 'localhost'): string => {
    const url = new URL(postgres.url)
    url.hostname = host
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href
  }
  const open = (url: string) => openDatabase({ url, schema: 'encrypted', migrations: {}, log })

  it('is made where the authority is named, with a certificate of the client', async () => {
    const files = { sslrootcert: authority.cert, sslcert: client.cert, sslkey: client.key }
    await using store = await open(urlOf({ sslmode: 'verify-full', ...files }))
    const rows = await store.query<{ ssl: boolean; client_dn: string }>(
      'tls',
      'select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()',
      [],
    )
    expect(rows).toEqual([{ ssl: true, client_dn: '/CN=deed' }])
  })

  it.each<[string, () => string, RegExp]>([
    [
      'another authority',
      () => urlOf({ sslmode: 'verify-full', sslrootcert: other.cert }),
      /DATABASE_URL: the certificate of the PostgreSQL at localhost:\d+ cannot be trusted .*in sslrootcert/,
    ],
    [
      'another name',
      () => urlOf({ sslmode: 'verify-full', sslrootcert: authority.cert }, '127.0.0.1'),
      /cannot be trusted .*; name the server in the URL as the certificate does/,
    ],
    [
      'a file that is missing',
      () => urlOf({ sslmode: 'verify-full', sslrootcert: join(authority.cert, '..', 'none.pem') }),
      /a file for the PostgreSQL at .*none\.pem.*; correct sslrootcert/,
    ],
    ['another password', () => urlOf({}).replace(/:[^:@/]+@/, ':wrong@'), /refuses the login of the role deed/],
  ])('is refused with what to change: %s', async (_, url, sentence) => {
    const opening = open(url())
    await expect(opening).rejects.toThrow(ConfigError)
    await expect(opening).rejects.toThrow(sentence)
  })
})
