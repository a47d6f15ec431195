import { readdirSync } from 'node:fs'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { actionIdOf } from '@deed/worker/action-id'
import { describe, expect, it } from 'vitest'
import { testAttempt } from '../../test/test-attempt.ts'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { thisProcess } from '../processes/this-process.ts'
import { openLedger } from '../store/ledger.ts'
import { act } from './act.ts'
import { openAttempt } from './attempt.ts'

const action = { kind: 'file.write', input: { path: 'note.txt', content: 'new' } }

/** The ledger when the process died after its intent. */
async function diesAfterIntent(executor: TestExecutor, given: object = action) {
  const work = await executor.dispatch(given as typeof action)
  const { ledger, world } = executor.dependencies
  // Another process of this host that has ended since: it has a start time that no process has.
  const dead = openLedger(executor.database, { ...thisProcess(), pidStarted: '1' })
  const attempt = testAttempt(work)
  const dying = { ...executor.dependencies, ledger: { ...dead, find: ledger.find }, world }
  const withPlace = () => Promise.reject(new Error('killed'))
  await expect(act(attempt, { ...dying, withPlace })).rejects.toThrow('killed')
  return work
}

describe('an attempt', () => {
  it('does not act under a token that is no longer the newest', async () => {
    await using executor = await testExecutor()
    const old = await executor.dispatch(action)
    await executor.dispatch(action, { after: old })
    expect(await executor.attempt(old)).toBe('stale')
    expect(executor.read('note.txt')).toBeUndefined()
  })

  it('does not act for a task that was cancelled, nor for another action than the sealed one', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(action)
    expect(await executor.attempt({ ...work, action_hash: '0'.repeat(64) })).toBe('stale')
    await executor.database.query('cancel', 'update orchestrator.dispatch set cancelled = true', [])
    expect(await executor.attempt(work)).toBe('stale')
    expect(executor.read('note.txt')).toBeUndefined()
  })

  it('gives the recorded outcome when its message comes twice', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(action)
    const first = await executor.attempt(work)
    executor.write('note.txt', 'changed by somebody')
    const second = await executor.attempt(work)
    expect(second).toMatchObject({ outcome: 'done', recorded: true })
    expect(second).toHaveProperty('evidence.observed_at', first === 'stale' ? undefined : first.evidence?.observed_at)
    expect(executor.read('note.txt')).toBe('changed by somebody')
  })

  it('continues under the same token where a dead process stopped', async () => {
    await using executor = await testExecutor()
    const work = await diesAfterIntent(executor)
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(executor.read('note.txt')).toBe('new')
  })

  it('does not go on where the lease has expired, or nobody wants it any more, though no newer attempt has begun', async () => {
    await using executor = await testExecutor()
    const work = await diesAfterIntent(executor)
    await executor.database.query('cancel', 'update orchestrator.dispatch set cancelled = true', [])
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'failed',
      effect: 'unknown',
      error: { code: 'cancelled' },
    })
    const other = await diesAfterIntent(executor)
    await executor.database.query('over', 'delete from orchestrator.dispatch', [])
    expect(await executor.attempt(other)).toBe('stale')
    expect(executor.read('note.txt')).toBeUndefined()
  })

  it('takes over under a higher token, and finds done what was done', async () => {
    await using executor = await testExecutor()
    executor.write('note.txt', 'old')
    const work = await diesAfterIntent(executor)
    executor.write('note.txt', 'new')
    const again = await executor.dispatch(action, { after: work })
    expect(await executor.attempt(again)).toMatchObject({
      outcome: 'done',
      effect: 'unknown',
      evidence: { already_so: true, facts: { earlier_attempt: true } },
    })
    // What the first attempt met is what the undo brings back.
    expect(await executor.undo(again)).toMatchObject({ outcome: 'done' })
    expect(executor.read('note.txt')).toBe('old')
  })

  it('keeps earlier attempts, those too that never came to an end', async () => {
    await using executor = await testExecutor()
    const work = await diesAfterIntent(executor)
    const again = await executor.dispatch(action, { after: work })
    await executor.attempt(again)
    await executor.undo(again)
    const attempts = await executor.database.query(
      'attempts',
      'select token, intent, outcome from attempts order by token',
      [],
    )
    expect(attempts).toEqual([
      { token: '1', intent: 'do', outcome: null },
      { token: '2', intent: 'do', outcome: 'done' },
    ])
  })

  it('does nothing once its lease has expired', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(action)
    const attempt = openAttempt(work, actionIdOf(work.task_id), '')
    attempt.extend(performance.now() - 1)
    expect(await act(attempt, executor.dependencies)).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'lease_lost', retryable: true },
    })
    expect(readdirSync(executor.root)).toEqual([])
  })

  it('does nothing once it was stopped', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(action)
    const attempt = testAttempt(work)
    attempt.stop(new DeedError('cancelled', 'no longer wanted'))
    expect(await act(attempt, executor.dependencies)).toMatchObject({ outcome: 'failed', effect: 'none' })
    expect(readdirSync(executor.root)).toEqual([])
  })

  it('names the argument that is wrong, and the kind that was meant', async () => {
    await using executor = await testExecutor()
    const { error } = await executor.run({ kind: 'file.write', input: { path: 'x', contnet: 'y', content: '' } })
    expect(error).toMatchObject({ code: 'unknown_field', path: '$.input.contnet' })
    expect(error?.message).toContain('did you mean "content"?')
    expect(await executor.run({ kind: 'file.wirte', input: {} })).toMatchObject({
      effect: 'none',
      error: { code: 'unknown_kind', message: 'no kind file.wirte; did you mean "file.write"?' },
    })
    expect(await executor.run({ kind: 'file.write', kind_version: 9, input: {} })).toMatchObject({
      error: { code: 'unknown_kind_version', retryable: true },
    })
  })
})

describe('an undo', () => {
  it('is done where nothing was ever begun', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(action)
    const undone = await executor.undo(work)
    expect(undone).toMatchObject({ outcome: 'done', effect: 'none', evidence: { outcome: 'verified' } })
    expect(undone.evidence?.observed).toContain('nothing was ever begun')
    // The attempt that was still on its way finds that it may not act any more.
    expect(await executor.attempt(work)).toBe('stale')
    expect(executor.read('note.txt')).toBeUndefined()
  })

  it('changes nothing the second time', async () => {
    await using executor = await testExecutor()
    executor.write('note.txt', 'old')
    const work = await executor.dispatch(action)
    await executor.attempt(work)
    const first = await executor.dispatch(action, { after: work, intent: 'undo' })
    expect(await executor.attempt(first)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(await executor.attempt(first)).toMatchObject({ outcome: 'done', recorded: true })
    executor.write('note.txt', 'written after the undo')
    expect(await executor.undo(first)).toMatchObject({ outcome: 'done', effect: 'none' })
    expect(executor.read('note.txt')).toBe('written after the undo')
  })

  it('is followed by a new attempt that meets the world afresh', async () => {
    await using executor = await testExecutor()
    executor.write('note.txt', 'old')
    const work = await executor.dispatch(action)
    await executor.attempt(work)
    const undoing = await executor.dispatch(action, { after: work, intent: 'undo' })
    await executor.attempt(undoing)
    executor.write('note.txt', 'newer')
    const again = await executor.dispatch(action, { after: undoing })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'done', effect: 'made' })
    await executor.undo(again)
    expect(executor.read('note.txt')).toBe('newer')
  })

  it('does not believe an earlier attempt about what a later one has left that died', async () => {
    await using executor = await testExecutor()
    const sealed = { ...action, expect_before: `sha256:${sha256('old')}` }
    const refused = await executor.dispatch(sealed)
    expect(await executor.attempt(refused)).toMatchObject({ outcome: 'failed', effect: 'none' })
    executor.write('note.txt', 'old')
    const tried = await executor.dispatch(sealed, { after: refused })
    await dies(executor, tried, 'after_effect')
    expect(executor.read('note.txt')).toBe('new')
    const undoing = await executor.dispatch(sealed, { after: tried, intent: 'undo' })
    expect(await executor.attempt(undoing)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(executor.read('note.txt')).toBe('old')
    const retried = await executor.dispatch(sealed, { after: undoing })
    await dies(executor, retried, 'after_effect')
    expect(await executor.undo(retried)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(executor.read('note.txt')).toBe('old')
  })
})
