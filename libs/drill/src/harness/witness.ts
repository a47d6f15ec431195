/**
 * Sees what happens to files, without a word from Deed: the kernel tells of every name that appears, changes or goes.
 */
import { watch } from 'node:fs'

export interface Witness extends Disposable {
  /** How often a file of this name was put there, replaced or removed as a whole. */
  changesOf(name: string): number
}

/** @param folder what is below its own folders is not seen */
export function openWitness(folder: string): Witness {
  const changes = new Map<string, number>()
  const watcher = watch(folder, (event, name) => {
    // A file that is written under another name and then renamed appears once, whole.
    if (event === 'rename' && name !== null) changes.set(name, (changes.get(name) ?? 0) + 1)
  })
  return {
    changesOf: (name) => changes.get(name) ?? 0,
    [Symbol.dispose]: () => watcher.close(),
  }
}
