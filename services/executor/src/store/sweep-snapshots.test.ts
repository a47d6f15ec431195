// A real ledger and real files: what is kept for an undo goes when nobody can ask for it any more.
import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { Handler } from '@deed/mesh/bus'
import type { forgetActions as contract } from '@deed/proto/action'
import { describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { forgetActions } from '../handlers/forget-actions.ts'
import { sweepSnapshots } from './sweep-snapshots.ts'

const DAY_MS = 86_400_000
/** More than the ledger itself takes. */
const OLD = 'old '.repeat(20_000)
const OVERWRITE = { kind: 'file.write', input: { path: 'notes.txt', content: 'new' } } as const

describe('what is kept for an undo', () => {
  it('stays while the ledger has an action as old, and goes once that is forgotten', async () => {
    await using executor = await testExecutor()
    executor.write('notes.txt', OLD)
    const work = await executor.dispatch(OVERWRITE)
    await executor.attempt(work)
    const folder = join(executor.world.dataFolder, 'snapshots')
    const sweep = (days: number): Promise<number> =>
      sweepSnapshots({ store: executor.database, folder, undoMs: 30 * DAY_MS }, Date.now() + days * DAY_MS)
    expect(snapshots(folder)).toHaveLength(1)
    expect(await sweep(1_000)).toBe(0)
    // Under way, as the orchestrator's view has it.
    expect(await forget(executor, work.execution_id)).toBe(0)
    await executor.database.query('test.ended', 'delete from orchestrator.dispatch', [])
    expect(await forget(executor, work.execution_id)).toBe(1)
    expect(await forget(executor, work.execution_id)).toBe(0)
    expect(await sweep(30)).toBe(0)
    expect(await sweep(32)).toBe(1)
    expect(snapshots(folder)).toHaveLength(0)
  })

  it('is young again when it is needed again', async () => {
    await using executor = await testExecutor()
    executor.write('notes.txt', OLD)
    await executor.run(OVERWRITE)
    const folder = join(executor.world.dataFolder, 'snapshots')
    const [snapshot = ''] = snapshots(folder)
    const longAgo = new Date(Date.now() - 90 * DAY_MS)
    utimesSync(snapshot, longAgo, longAgo)
    executor.write('notes.txt', OLD)
    await executor.run(OVERWRITE)
    expect(statSync(snapshot).mtimeMs).toBeGreaterThan(longAgo.getTime() + DAY_MS)
  })
})

const snapshots = (folder: string): string[] =>
  readdirSync(folder).flatMap((prefix) => readdirSync(join(folder, prefix)).map((name) => join(folder, prefix, name)))

async function forget({ database }: TestExecutor, id: string): Promise<number> {
  const input = { execution_ids: [id] } as Parameters<Handler<typeof contract>>[0]
  const answer = await forgetActions({ store: database })(input, {} as Parameters<Handler<typeof contract>>[1])
  if (typeof answer === 'symbol') throw new Error('it is answered at once')
  return answer.actions
}
