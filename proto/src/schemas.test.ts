// Schemas whose refusals matter.
import { describe, expect, it } from 'vitest'
import { Action } from './action.ts'
import { ExecutionRequest } from './execution.ts'
import { PrincipalName } from './ids.ts'
import { Observation } from './observation.ts'

describe('a request', () => {
  it('needs only a task', () => {
    expect(ExecutionRequest.parse({ task: 'stop the web server' })).toEqual({
      task: 'stop the web server',
      mode: 'auto',
      priority: 'normal',
      dry_run: false,
    })
  })

  it('refuses unknown fields', () => {
    expect(ExecutionRequest.safeParse({ task: 'x', dryrun: true }).success).toBe(false)
  })

  it('accepts unknown fields in its context, which belongs to the caller', () => {
    expect(ExecutionRequest.parse({ task: 'x', context: { ticket: 7 } }).context).toEqual({ ticket: 7 })
  })

  it.each([{ budget_usd: -1 }, { budget_usd: Number.NaN }, { idempotency_key: 'two words' }, { mode: 'later' }])(
    'refuses %j',
    (fields) => {
      expect(ExecutionRequest.safeParse({ task: 'x', ...fields }).success).toBe(false)
    },
  )
})

describe('a principal in a subject', () => {
  it.each(['acme', 'user_1', 'a-b'])('may be called %s', (name) => {
    expect(PrincipalName.safeParse(name).success).toBe(true)
  })

  it.each(['', 'a.b', '*', '>', 'A', '-a', 'a b', 'a'.repeat(64)])('may not be called %j', (name) => {
    expect(PrincipalName.safeParse(name).success).toBe(false)
  })
})

describe('an observation', () => {
  it('is composed of others, and an invalid part is found at any depth', () => {
    const file = { kind: 'file', path: 'a.txt' }
    const nested = (inner: object) => ({ kind: 'all', of: [{ kind: 'not', of: [{ kind: 'any', of: [inner] }] }] })
    expect(Observation.safeParse(nested(file)).success).toBe(true)
    expect(Observation.safeParse(nested({ kind: 'file' })).success).toBe(false)
    expect(Observation.safeParse({ kind: 'not', of: [file, file] }).success).toBe(false)
  })
})

describe('an action', () => {
  it('is bounded in time, and does more than observe, unless it says otherwise', () => {
    expect(Action.parse({ kind: 'file.write', input: {} })).toMatchObject({
      observe_only: false,
      timeout_ms: 60_000,
    })
  })

  it.each(['write', 'File.write', 'file..write', '../file.write'])('cannot have the kind %j', (kind) => {
    expect(Action.safeParse({ kind, input: {} }).success).toBe(false)
  })
})
