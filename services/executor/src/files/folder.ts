/**
 * Folders of a workspace, opened without following links, so that what was checked is what is written to, even while
 * somebody swaps a folder for a link.
 *
 * Node has no openat(2). On Linux `/proc/self/fd/<n>/<name>` is the same thing, and `/proc/self/fd/<n>` names the place
 * of what was opened: a folder that lies where its path says was reached by no link. One that does not is looked for
 * component by component. Elsewhere only that is done, by paths, which leaves a moment in which a folder could be swapped.
 */
import { closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync, readlinkSync, realpathSync } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import type { Workspace } from '../workspace/workspace.ts'
import { bytesOfName, isText } from './file-name.ts'

export interface Folder extends Disposable {
  readonly fd: number
  /** The path by which a system call reaches this very folder. */
  readonly path: string
  /** The path by which a system call reaches `name` in it; bytes, where the name is no text. */
  at(name: string): string | Buffer
}

/** @returns `undefined` when there is no such folder */
export function openFolder(workspace: Workspace, segments: readonly string[]): Folder | undefined {
  return openAtOnce(workspace, segments) ?? walk(workspace, segments, () => false)
}

/**
 * Opens the folder, making what is missing of it. What was made is on disk when this returns.
 *
 * @param made is given each folder that was made, as its path below the root
 */
export function openOrMakeFolder(
  workspace: Workspace,
  segments: readonly string[],
  made: (path: string) => void,
): Folder {
  const folder = walk(workspace, segments, (parent, depth) => {
    try {
      mkdirSync(parent.at(segments[depth]!))
      made(segments.slice(0, depth + 1).join('/'))
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    fsyncSync(parent.fd)
    return true
  })
  if (!folder) throw new DeedError('unknown_workspace', 'the folder of the workspace does not exist; create it')
  return folder
}

/** The first segments that are missing on the way to a folder, as paths below the root; outermost first. */
export function missingFolders(workspace: Workspace, segments: readonly string[]): string[] {
  for (let depth = segments.length; depth > 0; depth--) {
    using folder = openFolder(workspace, segments.slice(0, depth))
    if (folder) return pathsBetween(segments, depth)
  }
  return pathsBetween(segments, 0)
}

const pathsBetween = (segments: readonly string[], depth: number) =>
  segments.slice(depth).map((_, i) => segments.slice(0, depth + i + 1).join('/'))

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Node on Windows has none of these; there 0 asks for nothing. */
const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = constants

/** Where the roots really lie. One that has moved since fits no path, so that it is looked up again. */
const realRoots = new Map<string, string>()

/**
 * Opens nothing but folders on the way to finding out.
 *
 * @returns `undefined` when it is not there, or not where its path says
 */
function openAtOnce({ root }: Workspace, segments: readonly string[]): Folder | undefined {
  if (process.platform !== 'linux' || segments.length === 0) return undefined
  const below = `/${segments.join('/')}`
  if (!isText(below)) return undefined
  const path = root + below
  let fd: number
  try {
    fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  } catch {
    return undefined
  }
  if (liesAt(fd, root, below)) return folderOf(fd, path)
  closeSync(fd)
  return undefined
}

function liesAt(fd: number, root: string, below: string): boolean {
  try {
    const place = readlinkSync(`/proc/self/fd/${fd}`)
    if (place === `${realRoots.get(root)}${below}`) return true
    const real = realpathSync(root)
    realRoots.set(root, real)
    return place === real + below
  } catch {
    return false
  }
}

function walk(
  { root }: Workspace,
  segments: readonly string[],
  makeMissing: (parent: Folder, depth: number) => boolean,
): Folder | undefined {
  let current: Folder
  try {
    current = folderOf(openSync(root, O_RDONLY | O_DIRECTORY), root)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  for (let depth = 0; depth < segments.length; depth++) {
    const parent = current
    try {
      const next = step(parent, segments[depth]!) ?? (makeMissing(parent, depth) && step(parent, segments[depth]!))
      if (!next) return undefined
      current = next
    } finally {
      parent[Symbol.dispose]()
    }
  }
  return current
}

function step(parent: Folder, name: string): Folder | undefined {
  const path = parent.at(name)
  try {
    return folderOf(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), String(path))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    // For a link the kernel says ENOTDIR or ELOOP, depending on the order in which it checks.
    if (code === 'ENOTDIR' || code === 'ELOOP') throw notAFolder(path, name)
    throw error
  }
}

/** Why a path cannot be gone along. */
export function notAFolder(path: string | Buffer, name: string): DeedError {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    return new DeedError('effect_failed', `${name} is a file, not a folder`)
  return linkRefused(path, name)
}

export function linkRefused(path: string | Buffer, name: string): DeedError {
  try {
    realpathSync(path)
  } catch (error) {
    if (codeOf(error) === 'ELOOP') return new DeedError('symlink_loop', `${name} is a symbolic link to itself`)
  }
  return new DeedError(
    'path_outside_workspace',
    `${name} is a symbolic link; links are not followed: name what it points to`,
  )
}

function folderOf(fd: number, path: string): Folder {
  let open = true
  const own = process.platform === 'linux' ? `/proc/self/fd/${fd}` : path
  return {
    fd,
    path: own,
    at: (name) => (isText(name) ? `${own}/${name}` : Buffer.concat([Buffer.from(`${own}/`), bytesOfName(name)])),
    [Symbol.dispose]() {
      if (open) closeSync(fd)
      open = false
    },
  }
}
