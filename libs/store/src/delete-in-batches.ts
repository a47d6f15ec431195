/** Deleting many rows in statements that each end soon. */

const BATCH = 5_000
const BATCHES_MAX = 50

/**
 * @param remove deletes `limit` rows at most, and says how many it has
 * @returns how many are gone; more may be left for the next time
 */
export async function deleteInBatches(remove: (limit: number) => Promise<number>): Promise<number> {
  let gone = 0
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const removed = await remove(BATCH)
    gone += removed
    if (removed < BATCH) break
  }
  return gone
}
