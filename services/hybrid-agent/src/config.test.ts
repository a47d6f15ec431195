// The keys of API providers, from variables and from files.
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'

const BASE = { NATS_URL: 'nats://127.0.0.1:4222', DATABASE_URL: 'postgres://deed@127.0.0.1/deed' }
const keysOf = (env: Record<string, string>) => readConfig({ ...BASE, ...env }).apiKeys

describe('the key of an API', () => {
  it('is read from its variable, or from the file that its variable names', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'deed-keys-'))
    const file = join(folder.path, 'key')
    writeFileSync(file, 'key-in-a-file\n')
    expect(keysOf({ OPENAI_COMPATIBLE_API_KEY: 'key-in-a-variable', GOOGLE_API_KEY_FILE: file })).toEqual({
      'openai-compatible': 'key-in-a-variable',
      google: 'key-in-a-file',
    })
    expect(keysOf({ ANTHROPIC_API_KEY: '' })).toEqual({})
  })

  it.each([
    [
      'is given twice',
      { OPENAI_API_KEY: 'key-given-twice', OPENAI_API_KEY_FILE: '/tmp/key' },
      /or OPENAI_API_KEY_FILE, not both/,
    ],
    ['is in a file that is not there', { OPENAI_API_KEY_FILE: '/nowhere/key' }, /\/nowhere\/key, which cannot be read/],
    ['has several lines', { OPENAI_API_KEY: 'key-in-one\nkey-in-two' }, /holds no key/],
  ])('stops the start where it %s, and is not in the message', (_, env, why) => {
    expect(() => keysOf(env)).toThrow(why)
    expect(() => keysOf(env)).not.toThrow(/key-/)
  })
})
