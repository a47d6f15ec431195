import { describe, expect, it } from 'vitest'
import { holdsSecret, redact, redactLines, redactValue, registerSecret, registerSecretsOf } from './redact.ts'

const PLAIN = 'canary-7f3b9c41'
/** Every character of it has a special encoding somewhere. */
const AWKWARD = 'c"n\\a/r y+%ö€\u{1f426}\'&\nline-two-is-here-too'

registerSecret(PLAIN)
registerSecret(AWKWARD)

const ENCODINGS: Record<string, (secret: string) => string> = {
  'as it is': (secret) => secret,
  JSON: (secret) => JSON.stringify(secret),
  'JSON in JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ a: JSON.stringify([secret]) })),
  'JSON in pure ASCII': (secret) => JSON.stringify(secret).replace(/[^ -~]/g, escapeUnit),
  'JSON with every character escaped': (secret) =>
    Array.from({ length: secret.length }, (_, i) => escapeUnit(secret[i]!)).join(''),
  'JSON with escaped slashes': (secret) => JSON.stringify(secret).replaceAll('/', '\\/'),
  URL: encodeURIComponent,
  'URL twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'URL in lower case': (secret) => encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  'URL with every byte encoded': (secret) =>
    Array.from(Buffer.from(secret), (byte) => `%${byte.toString(16)}`).join(''),
  form: (secret) => new URLSearchParams({ q: secret }).toString(),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 after one byte': (secret) => Buffer.from(`x${secret}yz`).toString('base64'),
  'base64 after two bytes': (secret) => Buffer.from(`xx${secret}yz`).toString('base64'),
  'base64 of user and password': (secret) => Buffer.from(`user:${secret}`).toString('base64'),
  'base64 in lines': (secret) => Buffer.from(`the secret is ${secret}`).toString('base64').replace(/.{8}/g, '$&\r\n'),
  'base64 in lines, in JSON': (secret) =>
    JSON.stringify(Buffer.from(secret).toString('base64').replace(/.{8}/g, '$&\n')),
  'base64 in a URL': (secret) => encodeURIComponent(Buffer.from(`${secret}>>>???`).toString('base64')),
}

/**
 * All substrings of a secret that base64 could reveal at any alignment; at least the eight characters in its middle.
 */
function tellsSecret(text: string, secret: string): boolean {
  const everyReading = [text, text.replace(/\\+[rn]|[\r\n]/g, ''), decodeEscapes(text)]
  const middles = [0, 1, 2].flatMap((offset) => {
    const base64 = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64')
    return [base64.slice(3, 11), base64.slice(3, 11).replaceAll('+', '-').replaceAll('/', '_')]
  })
  return everyReading.some((reading) => [secret, secret.slice(3, 9), ...middles].some((part) => reading.includes(part)))
}

function decodeEscapes(text: string): string {
  const decoded = text
    .replace(/\\+u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/%(?:25)*([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return decoded
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

describe('a registered secret', () => {
  for (const [name, encode] of Object.entries(ENCODINGS)) {
    it(`does not remain in a text as ${name}`, () => {
      for (const secret of [PLAIN, AWKWARD]) {
        const text = `before ${encode(secret)} after`
        const clean = redact(text)
        expect(clean).toContain('[redacted]')
        expect(tellsSecret(clean, secret)).toBe(false)
        expect(clean).toMatch(/^before .* after$/s)
        expect(redact(clean)).toBe(clean)
      }
    })
  }

  it('is distinguished from a text that only looks like a credential', () => {
    expect(Object.values(ENCODINGS).map((encode) => holdsSecret(`a ${encode(PLAIN)} b`))).not.toContain(false)
    expect(['password=hunter2222', 'nothing at all', PLAIN.slice(1)].map(holdsSecret)).toEqual([false, false, false])
  })

  it('keeps JSON parseable', () => {
    const line = JSON.stringify({ [AWKWARD]: PLAIN, text: `<${AWKWARD}>`, nested: JSON.stringify({ key: AWKWARD }) })
    expect(JSON.parse(redact(line))).toEqual({
      '[redacted]': '[redacted]',
      text: '<[redacted]>',
      nested: '{"key":"[redacted]"}',
    })
  })

  it('is found line by line if it has several lines', () => {
    expect(redact('2: line-two-is-here-too')).toBe('2: [redacted]')
  })

  it('is redacted whole if a shorter secret is its prefix', () => {
    registerSecret('prefix-of-another')
    registerSecret('prefix-of-another-secret')
    expect(redact('prefix-of-another-secret')).toBe('[redacted]')
  })

  it('has at least six bytes', () => {
    registerSecret('admin')
    registerSecret('ααα')
    registerSecret('€€')
    expect(redact('admin')).toBe('admin')
    expect(redact('-ααα-')).toBe('-[redacted]-')
    expect(redact('-€€-')).toBe('-[redacted]-')
  })

  it('may consist of backslashes', () => {
    registerSecret('\\\\\\\\\\\\')
    expect(redact('a\\\\\\\\\\\\b')).toBe('a[redacted]b')
  })

  it('is found among hundreds of secrets', () => {
    const secrets = Array.from({ length: 300 }, (_, i) => `secret-number-${i}-of-many`)
    secrets.forEach(registerSecret)
    for (const secret of secrets) expect(redact(`${secret}.`)).toBe('[redacted].')
  })
})

describe('the environment', () => {
  it('registers variables with secret names, and passwords in URLs', () => {
    registerSecretsOf({
      PROVIDER_API_KEY: 'environment-key-1',
      PGPASSWORD: 'environment-password-2',
      DATABASE_URL: 'postgres://deed:url%2Dpassword%2D3@db/deed',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=header-value-4',
      LOCAL_URL: 'postgres://postgres:postgres@127.0.0.1/postgres',
      HOME: '/home/nobody-in-particular',
    })
    for (const secret of [
      'environment-key-1',
      'environment-password-2',
      'url-password-3',
      'url%2Dpassword%2D3',
      'header-value-4',
    ]) {
      expect(redact(`is ${secret}`)).toBe('is [redacted]')
    }
    for (const fact of ['postgres', '/home/nobody-in-particular']) expect(redact(fact)).toBe(fact)
  })
})

describe('a text that looks like a credential', () => {
  it.each([
    ['postgres://deed:hunter22@db:5432/deed', 'postgres://deed:[redacted]@db:5432/deed'],
    ['redis://:p@ss@cache', 'redis://:[redacted]@cache'],
    ['Authorization: Bearer abc.def', 'Authorization: Bearer [redacted]'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: Basic [redacted]'],
    ['{"Authorization":"abc"}', '{"Authorization":"[redacted]"}'],
    ['{\\"authorization\\":\\"Bearer abc\\"}', '{\\"authorization\\":\\"Bearer [redacted]\\"}'],
    ['curl -H "bearer 0123456789abcdef"', 'curl -H "bearer [redacted]"'],
    ['PGPASSWORD=hunter22 psql', 'PGPASSWORD=[redacted] psql'],
    ["host=db password='hunter22'", "host=db password='[redacted]'"],
    ['?api_key=abc&page=2', '?api_key=[redacted]&page=2'],
    ['{"password":"a\\"b","n":1}', '{"password":"[redacted]","n":1}'],
    ['{\\"password\\":\\"ab\\",\\"n\\":1}', '{\\"password\\":\\"[redacted]\\",\\"n\\":1}'],
    [`key sk-ant-api03-${'a'.repeat(30)}.`, 'key [redacted].'],
    [`line\\nghp_${'a'.repeat(36)}`, 'line\\n[redacted]'],
    [`github_pat_${'a'.repeat(40)}`, '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
    ['xoxb-123456789012-abcdef', '[redacted]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', '[redacted]'],
    ['a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n+/==\n-----END RSA PRIVATE KEY-----\nb', 'a\n[redacted]\nb'],
    ['{"k":"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n"}', '{"k":"[redacted]\\n"}'],
    ['{"k":"-----BEGIN PRIVATE KEY-----\\nMIIEcut"}', '{"k":"[redacted]"}'],
  ])('is redacted: %s', (text, clean) => {
    expect(redact(text)).toBe(clean)
    expect(redact(clean)).toBe(clean)
  })

  it.each([
    'http://127.0.0.1:8080/?to=me@example.com',
    'https://example.com/@scope/package',
    'the bearer of this letter',
    'task-1234567890123456789012345678901234567890',
    'tokens_used=1200 fencing_token=3',
    '{"password":null,"secret":"db-credentials","n":1}',
    'risk-management-of-the-whole-organisation',
    '019aa4d1-7f3b-7c3e-9a51-0b5b2f2c9a11',
  ])('is redacted without its surroundings: %s', (text) => {
    expect(redact(text)).toBe(text)
  })
})

describe('a text whose lines are counted', () => {
  it('keeps its lines where a secret has several', () => {
    const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n+/==\n-----END RSA PRIVATE KEY-----'
    expect(redactLines(`a\n${key}\nb`)).toBe('a\n[redacted]\n\n\n\nb')
    expect(redactLines(`a\n${AWKWARD}\nb PASSWORD=x1`)).toBe('a\n[redacted]\n\nb PASSWORD=[redacted]')
    expect(redactLines('a\nb')).toBe('a\nb')
  })
})

describe('a value that is stored', () => {
  it('is redacted in its strings and keys, and otherwise unchanged', () => {
    const value = {
      n: 1,
      none: null,
      list: ['kept', `in ${PLAIN}`, true],
      [PLAIN]: { deep: AWKWARD },
      password: 'short',
    }
    expect(redactValue(value)).toEqual({
      n: 1,
      none: null,
      list: ['kept', 'in [redacted]', true],
      '[redacted]': { deep: '[redacted]' },
      password: '[redacted]',
    })
    expect(value.list[1]).toBe(`in ${PLAIN}`)
  })

  it('is returned uncopied if it contains no secret', () => {
    const value = { n: 1, none: null, list: ['kept', { deep: 'too' }] }
    expect(redactValue(value)).toBe(value)
  })
})
