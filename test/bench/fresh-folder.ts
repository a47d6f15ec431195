/**
 * A folder that is not slower for what was deleted before.
 *
 * ext4 does not give an inode out again for minutes after it was freed, and looks through all of those in a block group
 * whenever a file is made there (`recently_deleted` in fs/ext4/ialloc.c): after a run that has deleted thousands of
 * files, making one costs a millisecond of CPU. With the attribute T (chattr(1)) each folder begins in a group of its own.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'

/** Where the attribute cannot be had, an ordinary one. Disposing removes it. */
export function freshFolder(): Disposable & { readonly path: string } {
  const outer = temporaryFolder()
  spawnSync('chattr', ['+T', outer.path], { stdio: 'ignore' })
  // The group is chosen by the folder's name.
  const path = join(outer.path, basename(outer.path))
  mkdirSync(path)
  chmodSync(path, 0o711)
  return { path, [Symbol.dispose]: () => outer[Symbol.dispose]() }
}
