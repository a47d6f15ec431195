// A store whose flushes the test completes, so that the waiting items are known.
import { describe, expect, it, vi } from 'vitest'
import { batched } from './batched.ts'
import { OverloadedError } from './errors.ts'

/** A flush that the test completes. */
interface Flush {
  items: number[]
  end(results?: string[]): void
  fail(error: Error): void
}

function heldStore() {
  const flushes: Flush[] = []
  const flush = (items: number[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      flushes.push({ items, end: (results = items.map(String)) => resolve(results), fail: reject })
    })
  return { flushes, flush }
}

/** After a batch of several items, the next one gathers more for a moment. */
const begun = (flushes: Flush[], count: number): Promise<void> =>
  vi.waitFor(() => expect(flushes).toHaveLength(count), { interval: 1, timeout: 60_000 })

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a batched store', () => {
  it('flushes items of one event-loop turn together, and later ones in the next batch', async () => {
    const { flushes, flush } = heldStore()
    const put = batched(flush)
    const first = [put(1), put(2)]
    await turn()
    const second = [put(3), put(4), put(5)]
    await turn()
    expect(flushes.map(({ items }) => items)).toEqual([[1, 2]])
    flushes[0]!.end()
    expect(await Promise.all(first)).toEqual(['1', '2'])
    await begun(flushes, 2)
    expect(flushes.map(({ items }) => items)).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
    flushes[1]!.end()
    expect(await Promise.all(second)).toEqual(['3', '4', '5'])
  })

  it('gives each item its own result, or the error of its batch, and continues with the next batch', async () => {
    const { flushes, flush } = heldStore()
    const put = batched(flush)
    const failing = [put(1), put(2)].map((result) => result.catch((error: Error) => error.message))
    await turn()
    const after = put(3)
    flushes[0]!.fail(new Error('lost'))
    expect(await Promise.all(failing)).toEqual(['lost', 'lost'])
    await begun(flushes, 2)
    flushes[1]!.end(['three'])
    expect(await after).toBe('three')
  })

  it('treats a flush that throws synchronously as failed', async () => {
    let calls = 0
    const put = batched((items: number[]): Promise<number[]> => {
      if (++calls === 1) throw new Error('at once')
      return Promise.resolve(items)
    })
    await expect(put(1)).rejects.toThrow('at once')
    expect(await put(2)).toBe(2)
  })

  it('flushes no more than the size of a batch, and one batch after the other', async () => {
    const { flushes, flush } = heldStore()
    const put = batched(flush, { itemsMax: 2 })
    const results = [1, 2, 3, 4, 5].map(put)
    await turn()
    expect(flushes.map(({ items }) => items)).toEqual([[1, 2]])
    flushes[0]!.end()
    await begun(flushes, 2)
    flushes[1]!.end()
    await begun(flushes, 3)
    expect(flushes.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]])
    flushes[2]!.end()
    expect(await Promise.all(results)).toEqual(['1', '2', '3', '4', '5'])
  })

  it('rejects items beyond the queue limit, and accepts them again when there is room', async () => {
    const { flushes, flush } = heldStore()
    const put = batched(flush, { itemsMax: 50_000 })
    const first = put(0)
    await turn()
    const waiting = Array.from({ length: 20_000 }, (_, index) => put(index + 1))
    await expect(put(-1)).rejects.toThrow(OverloadedError)
    flushes[0]!.end()
    await first
    await begun(flushes, 2)
    const late = put(-2)
    flushes[1]!.end()
    expect(await Promise.all(waiting)).toHaveLength(20_000)
    await begun(flushes, 3)
    flushes[2]!.end()
    expect(await late).toBe('-2')
  })
})
