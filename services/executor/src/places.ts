/** A number of places for effects: who finds none free waits, in order. */

/** @param waits whether the work hardly does more than wait, and so takes none */
export type WithPlace = <T>(work: () => Promise<T>, waits?: boolean) => Promise<T>

export function places(count: number): WithPlace {
  let free = count
  const waiting: (() => void)[] = []
  return async (work, waits = false) => {
    if (waits) return work()
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}
