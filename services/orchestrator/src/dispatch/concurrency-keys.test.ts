// Who holds a key and who waits for it, as one replica knows it.
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { concurrencyKeys } from './concurrency-keys.ts'

const [first, second] = ['task-1', 'task-2'] as TaskId[] as [TaskId, TaskId]
const [one, two] = ['execution-1', 'execution-2'] as ExecutionId[] as [ExecutionId, ExecutionId]

describe('a concurrency key', () => {
  it('wakes all who wait for it once it is free, those too that were only just too late for it', () => {
    const woken: ExecutionId[] = []
    const keys = concurrencyKeys((id) => woken.push(id))
    // The table has given it to the first, which is not known here yet.
    keys.wait('key', one)
    keys.take(['key'], first)
    expect(keys.isFree('key')).toBe(false)
    keys.wait('key', two)
    keys.release(first)
    expect(woken).toEqual([one, two])
    expect(keys.isFree('key')).toBe(true)
  })

  it('stays with the current holder when an earlier holder is found to have ended', () => {
    const keys = concurrencyKeys(() => undefined)
    keys.take(['key'], first)
    keys.take(['key'], second)
    keys.release(first)
    expect(keys.isFree('key')).toBe(false)
    keys.release(second)
    expect(keys.isFree('key')).toBe(true)
  })

  it('is free together with the others of its task, before anybody who waits is woken', () => {
    let free: boolean[] = []
    const keys = concurrencyKeys(() => {
      free = ['own', 'folder'].map(keys.isFree)
    })
    keys.take(['own', 'folder'], first)
    for (const key of ['own', 'folder']) keys.wait(key, one)
    keys.release(second)
    expect(free).toEqual([])
    keys.release(first)
    expect(free).toEqual([true, true])
  })
})
