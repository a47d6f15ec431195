// TLS between a client and a real nats-server: what is accepted, and what each fault is told as.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { type BusAddress, connectNats } from '@deed/mesh/connection'
import { until } from '@deed/process/until'
import { createLogger } from '@deed/telemetry/logger'
import { connect } from 'nats'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './kept-port.ts'
import { installedBinary } from './nats.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { makeAuthority, makeCertificate, type Pem, withoutOpenssl } from './test-certificates.ts'

const log = createLogger('deed', 2)
const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const HERE = 'DNS:localhost,IP:127.0.0.1'

describe.skipIf(withoutOpenssl)(`an encrypted connection to NATS${withoutOpenssl}`, () => {
  let authority: Pem
  let other: Pem
  let client: Pem
  const servers: ChildProcess[] = []
  beforeAll(() => {
    authority = makeAuthority(folder.path, 'authority')
    other = makeAuthority(folder.path, 'other')
    client = makeCertificate(folder.path, 'client', authority, 'DNS:client')
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
  })

  /** @returns the port of a server with this certificate */
  async function serve(certificate: Pem | undefined, verify = false): Promise<number> {
    const port = await freePort()
    const config = join(folder.path, `nats-${port}.conf`)
    const tls = certificate
      ? `tls { cert_file: "${certificate.cert}", key_file: "${certificate.key}", ca_file: "${authority.cert}", verify: ${verify} }`
      : ''
    writeFileSync(config, `listen: "127.0.0.1:${port}"\n${tls}\n`)
    servers.push(spawn(installedBinary(), ['--config', config], { stdio: 'ignore' }))
    const probe = { servers: `127.0.0.1:${port}`, reconnect: false, timeout: 1_000 }
    const answers = (error: unknown): boolean => !String(error).includes('CONNECTION_REFUSED')
    const up = async (): Promise<boolean> => {
      const nc = await connect(probe)
      await nc.close()
      return true
    }
    await until(() => up().catch(answers), { what: 'the server' })
    return port
  }

  const enter = async (port: number, files: Omit<BusAddress, 'url'>, host = '127.0.0.1', scheme = 'nats') =>
    connectNats({ url: `${scheme}://${host}:${port}`, ...files }, { timeout: 5_000 }, log)

  it('is made by name and by address, with a certificate of the client where the server asks for one', async () => {
    const port = await serve(makeCertificate(folder.path, 'server', authority, HERE), true)
    const files = { caFile: authority.cert, certFile: client.cert, keyFile: client.key }
    for (const host of ['127.0.0.1', 'localhost']) {
      const nc = await enter(port, files, host)
      expect(nc.info?.tls_required).toBe(true)
      await nc.flush()
      await nc.close()
    }
  })

  it.each<[string, () => Pem | undefined, () => Omit<BusAddress, 'url'>, RegExp]>([
    [
      'an expired certificate',
      () => makeCertificate(folder.path, 'expired', authority, HERE, -1),
      () => ({ caFile: authority.cert }),
      /cannot be trusted \(certificate has expired\); renew it/,
    ],
    [
      'a certificate of another server',
      () => makeCertificate(folder.path, 'elsewhere', authority, 'DNS:elsewhere.example'),
      () => ({ caFile: authority.cert }),
      /cannot be trusted .*; name the server in NATS_URL as the certificate does/,
    ],
    [
      'a certificate of another authority',
      () => makeCertificate(folder.path, 'server', authority, HERE),
      () => ({ caFile: other.cert }),
      /cannot be trusted .*; name the authority that issued it in NATS_CA_FILE/,
    ],
    [
      'a file that is missing',
      () => makeCertificate(folder.path, 'server', authority, HERE),
      () => ({ caFile: join(folder.path, 'none.pem') }),
      /a file for .* cannot be used \(.*none.pem.*\); correct NATS_CA_FILE/,
    ],
    [
      'a key of another certificate',
      () => makeCertificate(folder.path, 'server', authority, HERE),
      () => ({ caFile: authority.cert, certFile: client.cert, keyFile: other.key }),
      /a file for .* cannot be used \(.*mismatch\); correct/,
    ],
    [
      'a seed that is none',
      () => makeCertificate(folder.path, 'server', authority, HERE),
      () => ({ caFile: authority.cert, nkeyFile: client.key }),
      /NATS_NKEY_FILE .* holds no seed of an nkey/,
    ],
    [
      'a server that does not encrypt',
      () => undefined,
      () => ({ caFile: authority.cert }),
      /does not encrypt; configure tls there/,
    ],
  ])('is refused with what to change: %s', async (_, certificate, files, sentence) => {
    const port = await serve(certificate())
    const entering = enter(port, files())
    await expect(entering).rejects.toThrow(ConfigError)
    await expect(entering).rejects.toThrow(sentence)
    await expect(entering).rejects.not.toThrow(/PRIVATE KEY/)
  })

  it('is waited for while the server is away', async () => {
    const server = makeCertificate(folder.path, 'server', authority, HERE)
    const port = await serve(server)
    const [first] = servers.splice(0)
    first?.kill('SIGTERM')
    await once(first!, 'exit')
    const entering = enter(port, { caFile: authority.cert })
    servers.push(spawn(installedBinary(), ['--config', join(folder.path, `nats-${port}.conf`)], { stdio: 'ignore' }))
    const nc = await entering
    await nc.close()
  })
})
