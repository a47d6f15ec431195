/** A number of places for effects, and as many for reads, which do not wait behind them. */

/** @param what work that `waits` hardly does more, and so takes none; one that `reads` changes nothing */
export type WithPlace = <T>(work: () => Promise<T>, what?: 'waits' | 'reads') => Promise<T>

export function placesForEffects(count: number): WithPlace {
  const [effects, reads] = [places(count), places(count)]
  return (work, what) => {
    if (what === 'waits') return work()
    return what === 'reads' ? reads(work) : effects(work)
  }
}

/** Who finds none free waits, in order. */
function places(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = count
  const waiting: (() => void)[] = []
  return async (work) => {
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
