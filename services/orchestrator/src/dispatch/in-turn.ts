/** Work that runs one after the other for each key, and at the same time for different keys. */

export interface InTurn<Key> {
  /** After what is in progress for the key, whether that fails or not. */
  run<T>(key: Key, work: () => Promise<T>): Promise<T>
  /** Resolves when what is in progress for the key now has ended. */
  ended(key: Key): Promise<void>
  /** Resolves when all that is in progress now has ended. */
  idle(): Promise<void>
}

export function inTurn<Key>(): InTurn<Key> {
  const last = new Map<Key, Promise<unknown>>()
  return {
    run(key, work) {
      const result = (last.get(key) ?? Promise.resolve()).then(work, work)
      last.set(key, result)
      const done = (): void => {
        if (last.get(key) === result) last.delete(key)
      }
      result.then(done, done)
      return result
    },
    async ended(key) {
      await last.get(key)?.catch(() => undefined)
    },
    async idle() {
      await Promise.allSettled(last.values())
    },
  }
}
