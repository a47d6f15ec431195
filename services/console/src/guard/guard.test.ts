import { describe, expect, it } from 'vitest'
import { openAddresses } from './addresses.ts'
import { openAttempts } from './attempts.ts'

describe('the addresses of a console on the loopback', () => {
  const { checkHost, checkOrigin } = openAddresses(20_123, undefined)

  it.each(['127.0.0.1:20123', 'localhost:20123', 'LOCALHOST:20123', '[::1]:20123'])('are %s', (host) => {
    expect(() => checkHost(host)).not.toThrow()
    expect(() => checkOrigin({ origin: `http://${host.toLowerCase()}`, host, site: 'same-origin' })).not.toThrow()
  })

  it.each([
    undefined,
    '',
    'evil.example:20123',
    '127.0.0.1',
    '127.0.0.1:20124',
    '127.0.0.1.evil.example:20123',
    '0.0.0.0:20123',
  ])('are not %s', (host) => expect(() => checkHost(host)).toThrow('does not answer to this name'))

  it.each([
    [undefined, undefined],
    ['null', undefined],
    ['http://localhost:20123', undefined],
    ['https://127.0.0.1:20123', undefined],
    ['http://127.0.0.1:20124', undefined],
    ['http://evil.example', undefined],
    ['http://127.0.0.1:20123', 'same-site'],
    ['http://127.0.0.1:20123', 'cross-site'],
  ])('refuse a page of %s (%s)', (origin, site) => {
    expect(() => checkOrigin({ origin, host: '127.0.0.1:20123', site })).toThrow('only the page of the console')
  })
})

describe('the address of a console behind a proxy', () => {
  it('is the one that is configured, over TLS, and no other', () => {
    const { url, secure, checkHost, checkOrigin } = openAddresses(20_123, 'https://deed.example.com')
    expect({ url, secure }).toEqual({ url: 'https://deed.example.com', secure: true })
    expect(() => checkHost('deed.example.com')).not.toThrow()
    expect(() => checkHost('127.0.0.1:20123')).toThrow()
    const host = 'deed.example.com'
    expect(() => checkOrigin({ origin: 'https://deed.example.com', host, site: undefined })).not.toThrow()
    expect(() => checkOrigin({ origin: 'http://deed.example.com', host, site: undefined })).toThrow()
  })
})

describe('attempts to sign in', () => {
  it('are refused after ten failures of an address, for a minute', () => {
    const clock = { at: 0 }
    const { check, failed } = openAttempts(() => clock.at)
    for (let failure = 0; failure < 10; failure++) {
      check('a')
      failed('a')
    }
    expect(() => check('a')).toThrow('too many attempts')
    expect(() => check('b')).not.toThrow()
    clock.at = 60_000
    expect(() => check('a')).not.toThrow()
  })

  it('are refused after two hundred failures, from however many addresses', () => {
    const { check, failed } = openAttempts(() => 0)
    for (let failure = 0; failure < 200; failure++) failed(`address ${failure}`)
    expect(() => check('another')).toThrow('too many attempts')
  })
})
