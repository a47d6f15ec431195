/**
 * Micro-batching: items that arrive during a flush are flushed together in the next one.
 *
 * A single item is flushed at once; under load one commit carries many. What arrives during a flush goes with the next
 * one, at once. Where none is under way and the last had several items, the first one waits a moment for others, for half
 * as long as a flush takes: a statement for ten costs little more than one for a single item.
 */
import { activeSpans, runFor, type Span } from '@deed/telemetry/span'
import { OverloadedError } from './errors.ts'

const ITEMS_MAX = 256
const WAITING_MAX = 20_000
/** The bounds of how long a batch gathers items while no flush is under way and the last one had several, in milliseconds. */
const GATHER_MS_MIN = 1
const GATHER_MS_MAX = 10
/** Of the time that a flush takes: how long the first item waits for others. A busy machine gathers more. */
const GATHER_PART = 1 / 2

export interface BatchOptions {
  /** The maximum number of items in one flush. */
  itemsMax?: number
}

/**
 * @param flush returns a result for each item, in order; if it throws, every item of the batch is rejected with the
 *   error
 * @returns a function that resolves with the item's own result
 * @throws {OverloadedError} if too many items are queued
 */
export function batched<Item, Result>(
  flush: (items: Item[]) => Promise<Result[]>,
  { itemsMax = ITEMS_MAX }: BatchOptions = {},
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  let flushing = false
  let gathering: NodeJS.Timeout | undefined
  /** The size of the last batch, and how long it took. */
  let size = 0
  let flushMs = 0

  const start = (): void => {
    gathering = undefined
    if (flushing || waiting.length === 0) return
    const batch = waiting.slice(0, itemsMax)
    waiting = waiting.slice(itemsMax)
    flushing = true
    size = batch.length
    void run(batch)
  }

  const run = async (batch: Waiting<Item, Result>[]): Promise<void> => {
    const from = performance.now()
    try {
      const spans = batch.flatMap((waiting) => waiting.spans)
      const results = await runFor(spans, () => flush(batch.map(({ item }) => item)))
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as Result)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      flushing = false
      flushMs = performance.now() - from
      start()
    }
  }

  const next = (): void => {
    if (flushing || gathering !== undefined) return
    if (size <= 1 || waiting.length >= itemsMax) start()
    else gathering = setTimeout(start, Math.min(GATHER_MS_MAX, Math.max(GATHER_MS_MIN, GATHER_PART * flushMs)))
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (waiting.length >= WAITING_MAX) {
        reject(new OverloadedError(`more than ${WAITING_MAX} items wait for the store`))
        return
      }
      waiting.push({ item, spans: activeSpans(), resolve, reject })
      // In a microtask, so that items of the same event-loop turn share a batch.
      if (!flushing && waiting.length === 1) queueMicrotask(next)
    })
}

interface Waiting<Item, Result> {
  item: Item
  /** What it is flushed for. */
  spans: readonly Span[]
  resolve(result: Result): void
  reject(error: unknown): void
}
