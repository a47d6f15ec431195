/** Many things to do, a bounded number of them at a time. */

/** In their order of beginning; the first failure ends it once those under way have ended. */
export async function inLanes<T>(lanes: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  const lane = async (): Promise<void> => {
    for (const one of left) await work(one)
  }
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
}
