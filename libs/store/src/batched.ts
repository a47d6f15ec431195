/**
 * Micro-batching: what arrives while a flush is under way goes together in the next one.
 *
 * Alone, an item is flushed at once; under load a commit carries many. That is group commit without
 * a timer: the batch is as large as the store is slow.
 */

const ITEMS_MAX = 256
const WAITING_MAX = 20_000

export interface BatchOptions {
  /** The most items in one flush. */
  itemsMax?: number
  /** Flushes under way at once. */
  lanes?: number
}

/** More is asked of the store than it takes; it may be asked again later. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError'
}

/**
 * @param flush gives a result for each item, in their order; what it throws, every item of the batch gets
 * @returns a function that resolves with the item's own result
 * @throws {OverloadedError} when too much waits already
 */
export function batched<Item, Result>(
  flush: (items: Item[]) => Promise<Result[]>,
  { itemsMax = ITEMS_MAX, lanes = 1 }: BatchOptions = {},
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  let flushing = 0

  const start = (): void => {
    while (flushing < lanes && waiting.length > 0) {
      const batch = waiting.slice(0, itemsMax)
      waiting = waiting.slice(itemsMax)
      flushing++
      void run(batch)
    }
  }

  const run = async (batch: Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await flush(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      flushing--
      start()
    }
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(new OverloadedError(`more than ${WAITING_MAX} items wait for the store`))
        return
      }
      waiting.push({ item, resolve, reject })
      // In a microtask, so that what arrives in the same turn of the loop goes together.
      if (flushing < lanes && waiting.length === 1) queueMicrotask(start)
    })
}

interface Waiting<Item, Result> {
  item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}
