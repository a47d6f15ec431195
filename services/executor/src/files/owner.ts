/** Who a file belongs to, and when it was last written: what a file that replaces another is to have as well. */
import { fchownSync, futimesSync, lchownSync, type Stats } from 'node:fs'
import { codeOf } from './folder.ts'

/** Permissions, with those bits that let a program run as its owner. */
export const MODE_BITS = 0o7777

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Whether this process may give a file to somebody. Nobody but root gives away what is theirs. */
export function canGiveTo({ uid, gid }: Owner): boolean {
  const own = process.geteuid?.()
  if (own === undefined || own === 0) return true
  return uid === own && (gid === process.getegid?.() || process.getgroups?.().includes(gid) === true)
}

/** Where this process may not, it is left: who asks for the owner afterwards sees it. @param fd of a file or folder */
export const giveTo = (fd: number, { uid, gid }: Owner): void => unlessForbidden(() => fchownSync(fd, uid, gid))

/** As `giveTo`, for what cannot be opened: a symbolic link. */
export const giveLinkTo = (path: string | Buffer, { uid, gid }: Owner): void =>
  unlessForbidden(() => lchownSync(path, uid, gid))

function unlessForbidden(change: () => void): void {
  try {
    change()
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
  }
}

/** In milliseconds since 1970, of which a fraction would not come back exactly. */
export const writtenAt = ({ mtimeMs }: Pick<Stats, 'mtimeMs'>): number => Math.round(mtimeMs)

/** @param ms since 1970 */
export const setWrittenAt = (fd: number, ms: number): void => futimesSync(fd, ms / 1000, ms / 1000)
