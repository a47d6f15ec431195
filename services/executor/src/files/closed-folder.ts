/**
 * Folders that their owner cannot pass through, such as after `chmod 0444`: a command may leave them, and an ordinary
 * user who is to read or remove what is in them must open them first. Root passes through all.
 */
import { chmodSync, closeSync, constants, openSync, type Stats } from 'node:fs'
import type { Folder } from './folder.ts'
import { MODE_BITS } from './owner.ts'

const PASSABLE = 0o700
/** Opens a path without reading what is there, which needs no right to it; Node does not name it. */
const O_PATH = 0o10000000

export function isClosed({ mode, uid }: Stats): boolean {
  const own = process.getuid?.()
  return process.platform === 'linux' && own !== 0 && uid === own && (mode & PASSABLE) !== PASSABLE
}

/** Lets its owner through the folder `name`, which has this mode, until this is disposed of. */
export function openClosed(parent: Folder, name: string, mode: number): Disposable {
  const { change, close } = changing(parent, name)
  change(mode | PASSABLE)
  return {
    [Symbol.dispose]() {
      change(mode)
      close()
    },
  }
}

/** The same for good. */
export function unclose(parent: Folder, name: string, mode: number): void {
  const { change, close } = changing(parent, name)
  change(mode | PASSABLE)
  close()
}

function changing(parent: Folder, name: string) {
  // By descriptor, so that a link which is put there meanwhile leads nowhere.
  const fd = openSync(parent.at(name), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  return {
    change: (mode: number) => chmodSync(`/proc/self/fd/${fd}`, mode & MODE_BITS),
    close: () => closeSync(fd),
  }
}
