import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const wait = (observation: JsonObject, within_ms: number, more: object = {}) => ({
  kind: 'wait.until',
  input: { observation, within_ms } as JsonObject,
  ...more,
})
const READY = { kind: 'file', path: 'ready', exists: true }

describe('waiting', () => {
  it('ends when what it waits for is there', async () => {
    await using executor = await testExecutor()
    const waiting = executor.run(wait(READY, 20_000))
    executor.write('ready', '')
    expect(await waiting).toMatchObject({ outcome: 'done', effect: 'none' })
    expect(await executor.run(wait(READY, 20_000))).toMatchObject({ outcome: 'done', evidence: { already_so: true } })
  })

  it('fails at its deadline, and says what it saw', async () => {
    await using executor = await testExecutor()
    const { outcome, effect, error } = await executor.run(wait({ kind: 'all', of: [READY] }, 100))
    expect({ outcome, effect, code: error?.code }).toEqual({
      outcome: 'failed',
      effect: 'none',
      code: 'verification_failed',
    })
    expect(error?.message).toContain('ready does not exist')
  })

  it('takes none of the places for effects: what it waits for may need one', async () => {
    await using executor = await testExecutor()
    const waits = [1, 2, 3, 4].map(() => executor.run(wait(READY, 20_000)))
    expect(await executor.run({ kind: 'file.write', input: { path: 'ready', content: '' } })).toMatchObject({
      outcome: 'done',
    })
    for (const waited of await Promise.all(waits)) expect(waited.outcome).toBe('done')
  })

  it.each([
    [wait({ kind: 'not', of: [{ kind: 'exit_code' }] }, 100), 'invalid_request'],
    [wait(READY, 60_000, { timeout_ms: 60_000 }), 'out_of_range'],
    [wait({ kind: 'luck' }, 100), 'invalid_request'],
  ])('refuses what can never be seen: %j', async (action, code) => {
    await using executor = await testExecutor()
    expect(await executor.run(action)).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
  })
})
