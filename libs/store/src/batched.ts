/**
 * Micro-batching: items that arrive during a flush are flushed together in the next one.
 *
 * A single item is flushed at once; under load one commit carries many. What arrives during a flush goes with the next
 * one, at once. Where none is under way and the last had several items, the first one waits a moment for others: a
 * statement for ten costs little more than one for a single item.
 */
import { activeSpans, runFor, type Span } from '@deed/telemetry/span'
import { OverloadedError } from './errors.ts'

const ITEMS_MAX = 256
const WAITING_MAX = 20_000
/** How long a batch gathers items while no flush is under way and the last one had several, in milliseconds. */
const GATHER_MS = 1

export interface BatchOptions {
  /** The maximum number of items in one flush. */
  itemsMax?: number
  /** The maximum number of concurrent flushes. */
  lanes?: number
}

/**
 * @param flush returns a result for each item, in order; if it throws, every item of the batch is rejected with the
 *   error
 * @returns a function that resolves with the item's own result
 * @throws {OverloadedError} if too many items are queued
 */
export function batched<Item, Result>(
  flush: (items: Item[]) => Promise<Result[]>,
  { itemsMax = ITEMS_MAX, lanes = 1 }: BatchOptions = {},
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  let flushing = 0
  let gathering: NodeJS.Timeout | undefined
  /** The size of the last batch. */
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
      const spans = batch.flatMap((waiting) => waiting.spans)
      const results = await runFor(spans, () => flush(batch.map(({ item }) => item)))
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      flushing--
      if (gathering === undefined) start()
    }
  }

  const next = (): void => {
    if (gathering !== undefined) return
    if (size <= 1 || flushing > 0 || waiting.length >= itemsMax) start()
    else gathering = setTimeout(start, GATHER_MS)
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(new OverloadedError(`more than ${WAITING_MAX} items wait for the store`))
        return
      }
      waiting.push({ item, spans: activeSpans(), resolve, reject })
      // In a microtask, so that items of the same event-loop turn share a batch.
      if (flushing < lanes && waiting.length === 1) queueMicrotask(next)
    })
}

interface Waiting<Item, Result> {
  item: Item
  /** What it is flushed for. */
  spans: readonly Span[]
  resolve(result: Result): void
  reject(error: unknown): void
}
