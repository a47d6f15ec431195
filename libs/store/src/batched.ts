/**
 * Micro-batching: what arrives while a flush is under way goes together in the next one.
 *
 * Alone, an item is flushed at once; under load a commit carries many. Where batches have more than one
 * item already, the next one waits for more, the longer the more the last one had: a statement for ten costs
 * little more than for one, and what is spent on many small ones is missing elsewhere.
 */
import { OverloadedError } from './errors.ts'

const ITEMS_MAX = 256
const WAITING_MAX = 20_000
/** How long a batch waits for more, in milliseconds for each item of the one before; and at most. */
const GATHER_MS_PER_ITEM = 0.5
const GATHER_MS_MAX = 12

export interface BatchOptions {
  /** The most items in one flush. */
  itemsMax?: number
  /** Flushes under way at once. */
  lanes?: number
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
  let gathering: NodeJS.Timeout | undefined
  /** Items of the last batch. */
  let size = 0

  const start = (): void => {
    gathering = undefined
    while (flushing < lanes && waiting.length > 0) {
      const batch = waiting.slice(0, itemsMax)
      waiting = waiting.slice(itemsMax)
      flushing++
      size = batch.length
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
      next()
    }
  }

  const next = (): void => {
    if (waiting.length === 0 || gathering !== undefined) return
    if (size <= 1 || waiting.length >= itemsMax) start()
    else gathering = setTimeout(start, Math.min(GATHER_MS_MAX, size * GATHER_MS_PER_ITEM))
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(new OverloadedError(`more than ${WAITING_MAX} items wait for the store`))
        return
      }
      waiting.push({ item, resolve, reject })
      // In a microtask, so that what arrives in the same turn of the loop goes together.
      if (flushing < lanes && waiting.length === 1) queueMicrotask(next)
    })
}

interface Waiting<Item, Result> {
  item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}
