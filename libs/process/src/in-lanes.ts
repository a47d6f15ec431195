/** Many things to do, a bounded number of them at a time. */

/**
 * They begin in their order. After a failure none begins, and it is thrown when those under way have ended.
 *
 * @returns what came of each, in the order of `all`
 */
export async function inLanes<T, R>(lanes: number, all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(all.length)
  const left = all.entries()
  let failed = false
  const lane = async (): Promise<void> => {
    for (const [index, one] of left) {
      if (failed) return
      try {
        results[index] = await work(one)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(lanes, all.length) }, lane))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  return results
}
