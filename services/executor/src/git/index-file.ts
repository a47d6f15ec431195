/**
 * The index of a repository, replaced whole under git's own lock, by a process that may be killed at any moment.
 *
 * The lock is a second name of a file of the action's. So an attempt that takes over knows a lock that its action has
 * left from one that somebody else holds.
 */
import { linkSync, lstatSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { codeOf, type Folder, openFolder } from '../files/folder.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { flush } from '../workspace/flush-folder.ts'
import { segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { isForsakenLock } from './lock-holder.ts'
import type { Repository } from './repository.ts'

/**
 * The time belongs to the bytes: git reads again only those files that were written no earlier than the index. A copy
 * with a later time would hide a change that was made within the same second.
 */
export interface Index {
  readonly bytes: Buffer
  /** When it was written, in milliseconds since 1970. */
  readonly mtime: number
}

/** Disposing releases the lock. */
export interface LockedIndex extends Disposable {
  /** Absolute path at which git may make the next index. */
  readonly next: string
  /** The index as it is; `undefined` where there is none yet. */
  readonly now: Index | undefined
  /** Puts an index where git makes the next one from. */
  prepare(index: Index): void
  /** Puts the next index in place of the old one. On disk when it resolves. */
  install(): Promise<void>
  /** There is to be none. */
  remove(): Promise<void>
}

/** @throws {DeedError} `effect_failed` when a process that has died has left its lock on the index */
export function refuseForsakenLock({ root: above, base }: Workspace, repository: string): void {
  const root = [above, ...segmentsOf({ root: above, base }, repository)].join('/')
  const lock = `${root}/.git/index.lock`
  if (isForsakenLock(root, lock))
    throw new DeedError(
      'effect_failed',
      `a git that has died has left ${repository === '.' ? '' : `${repository}/`}.git/index.lock: no process of this host holds it; remove it, then ask again`,
    )
}

/** @throws {DeedError} `unavailable` while another git holds it; `effect_failed` where it has died */
export function lockIndex({ workspace, root }: Repository, actionId: ActionId): LockedIndex {
  const folder = openFolder(workspace, [...workspace.base, '.git'])
  if (!folder) throw new DeedError('not_found', 'the repository is gone')
  const [lock, next] = [`deed-${actionId}.lock`, `deed-${actionId}.index`]
  try {
    release(folder, lock, next)
    writeFileSync(folder.at(lock), '')
    try {
      linkSync(folder.at(lock), folder.at('index.lock'))
    } catch (error) {
      unlinkSync(folder.at(lock))
      if (codeOf(error) !== 'EEXIST') throw error
      refuseForsakenLock(workspace, '.')
      throw new DeedError(
        'unavailable',
        'another git is at work in the repository, or has died and left .git/index.lock',
      )
    }
  } catch (error) {
    folder[Symbol.dispose]()
    throw error
  }
  return {
    next: `${root}/.git/${next}`,
    now: readIndex({ workspace }),
    prepare({ bytes, mtime }) {
      writeFileSync(folder.at(next), bytes)
      // An earlier time makes git read more, a later one less: times are rounded to milliseconds.
      utimesSync(folder.at(next), new Date(mtime - 1), new Date(mtime - 1))
    },
    async install() {
      renameSync(folder.at(next), folder.at('index'))
      await flush(folder.fd)
    },
    async remove() {
      unlinkIfThere(folder, 'index')
      await flush(folder.fd)
    },
    [Symbol.dispose]() {
      release(folder, lock, next)
      folder[Symbol.dispose]()
    },
  }
}

export const readIndex = ({ workspace }: Pick<Repository, 'workspace'>): Index | undefined =>
  readRegularFile(workspace, [...workspace.base, '.git', 'index'], { manyNames: true })

function release(folder: Folder, lock: string, next: string): void {
  const [own, held] = [lock, 'index.lock'].map((name) => lstatSync(folder.at(name), { throwIfNoEntry: false }))
  if (own && held && own.ino === held.ino && own.dev === held.dev) unlinkIfThere(folder, 'index.lock')
  for (const name of [lock, next, `${next}.lock`]) unlinkIfThere(folder, name)
}

function unlinkIfThere(folder: Folder, name: string): void {
  try {
    unlinkSync(folder.at(name))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
