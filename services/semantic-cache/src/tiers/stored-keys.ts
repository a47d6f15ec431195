/** The keys of all stored entries, by a part of their hashes: a look-up of any other key needs no query. */

export interface StoredKeys {
  readonly size: number
  /** Whether an entry of the key may be stored. Always, while messages of other replicas may be missing. */
  mayHave(hash: string): boolean
  add(hash: string): void
  delete(hash: string): void
  /** Before the stored keys are read; what is added meanwhile remains. */
  clear(): void
  /** All stored keys have been read, and messages arrive. */
  complete(prefixes: Iterable<number>): void
  /** Messages no longer arrive. */
  lost(): void
}

export function storedKeys(): StoredKeys {
  const prefixes = new Set<number>()
  let isComplete = false
  return {
    get size() {
      return prefixes.size
    },
    mayHave: (hash) => !isComplete || prefixes.has(prefixOf(hash)),
    add(hash) {
      prefixes.add(prefixOf(hash))
    },
    delete(hash) {
      prefixes.delete(prefixOf(hash))
    },
    clear() {
      prefixes.clear()
    },
    complete(read) {
      for (const prefix of read) prefixes.add(prefix)
      isComplete = true
    },
    lost() {
      isComplete = false
    },
  }
}

/** 48 bits of a hash, which a number represents exactly. */
function prefixOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 12), 16)
}
