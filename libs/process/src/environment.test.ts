// Variables that are read from files.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redact } from '@deed/telemetry/redact'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readEnvironment } from './environment.ts'

const folder = mkdtempSync(join(tmpdir(), 'deed-environment-'))
afterAll(() => rmSync(folder, { recursive: true }))
const Schema = z.object({ DATABASE_URL: z.url() })
const file = join(folder, 'url')

describe('a variable', () => {
  it('is read from the file that its name with _FILE names, and what is secret in it is known as a secret', () => {
    writeFileSync(file, 'postgres://deed:from-a-file@host/deed\n')
    const { DATABASE_URL: url } = readEnvironment(Schema, { DATABASE_URL_FILE: file })
    expect(url).toBe('postgres://deed:from-a-file@host/deed')
    expect(redact('the password is from-a-file')).toBe('the password is [redacted]')
  })

  it('that is set itself comes before the file', () => {
    const env = { DATABASE_URL: 'postgres://host/one', DATABASE_URL_FILE: file }
    expect(readEnvironment(Schema, env).DATABASE_URL).toBe('postgres://host/one')
  })

  it('whose file cannot be read, or holds nonsense, stops the start with a sentence that names it', () => {
    expect(() => readEnvironment(Schema, { DATABASE_URL_FILE: join(folder, 'none') })).toThrow(
      /DATABASE_URL_FILE: ENOENT.*; correct the path or the rights/,
    )
    writeFileSync(file, 'nonsense')
    expect(() => readEnvironment(Schema, { DATABASE_URL_FILE: file })).toThrow(/DATABASE_URL/)
  })
})
