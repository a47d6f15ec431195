import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'

const opened = new DisposableStack()
afterAll(() => opened.dispose())

const OIDC = { issuer: 'https://login.example.com', client_id: 'deed', roles: { staff: 'viewer' } }

/** @param secret what the file of the secret has; undefined: there is none */
function configOf(given: object, secret?: string) {
  const { path } = opened.use(temporaryFolder())
  const file = join(path, 'execution.yaml')
  writeFileSync(file, JSON.stringify({ console: { oidc: { ...OIDC, ...given } } }))
  if (secret !== undefined) writeFileSync(join(path, 'secret'), secret)
  return readConfig({ DEED_CONFIG: file, NATS_URL: 'nats://127.0.0.1:4222' })
}

describe('the provider of OpenID Connect', () => {
  it('has its secret in a file beside execution.yaml, or none', () => {
    expect(configOf({ client_secret_file: 'secret' }, 'of the client\n').clientSecret).toBe('of the client')
    expect(configOf({}).clientSecret).toBeUndefined()
  })

  it.each<[string, object, string | undefined]>([
    ['console.oidc.client_secret_file: cannot be read', { client_secret_file: 'secret' }, undefined],
    ['console.oidc.client_secret_file: is empty', { client_secret_file: 'secret' }, '\n'],
    ['console.oidc.issuer', { issuer: 'http://login.example.com' }, undefined],
    ['console.oidc.roles', { roles: {} }, undefined],
    ['console.oidc.roles.staff', { roles: { staff: 'root' } }, undefined],
    ['console.oidc.scopes', { scopes: ['profile'] }, undefined],
    ['console.oidc.clock_tolerance_s', { clock_tolerance_s: 3_600 }, undefined],
  ])('stops the start with a sentence that names %s', (key, given, secret) => {
    expect(() => configOf(given, secret)).toThrow(key)
  })
})
