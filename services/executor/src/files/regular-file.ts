/** Regular files of a workspace: read through a fresh descriptor, replaced whole or not at all. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import { flush, flushFolder } from '../workspace/flush-folder.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { codeOf, type Folder, linkRefused, openFolder } from './folder.ts'
import { giveTo, type Owner, setWrittenAt, writtenAt } from './owner.ts'

/** What is larger is neither read nor kept for an undo. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024

export interface FileContent {
  readonly bytes: Buffer
  /** Permission bits, with those that let a program run as its owner. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** In milliseconds since 1970. */
  readonly mtime: number
}

/**
 * @param manyNames whether a file with hard links is read too; it is never written to
 * @returns `undefined` when there is no such file
 * @throws {DeedError} `not_a_regular_file` for folders, FIFOs, devices and files with a second name, which may lie outside
 */
export function readRegularFile(
  workspace: Workspace,
  segments: readonly string[],
  { manyNames = false }: { manyNames?: boolean } = {},
): FileContent | undefined {
  using folder = openFolder(workspace, segments.slice(0, -1))
  return folder && readFileIn(folder, lastOf(segments), manyNames)
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

/** As `readRegularFile`, in a folder that is open already. */
export function readFileIn(folder: Folder, name: string, manyNames = false): FileContent | undefined {
  const opened = openToRead(folder, name, manyNames)
  if (!opened) return undefined
  const { fd, stat } = opened
  try {
    if (stat.size > FILE_BYTES_MAX)
      throw new DeedError('limit_exceeded', `${name} is larger than ${FILE_BYTES_MAX} bytes`)
    const { uid, gid } = stat
    return { bytes: readWhole(fd, stat.size), mode: stat.mode & 0o7777, uid, gid, mtime: writtenAt(stat) }
  } finally {
    closeSync(fd)
  }
}

/**
 * Opens a regular file of any size; the caller closes it.
 *
 * @returns `undefined` when there is no such file
 * @throws {DeedError} as `readRegularFile`
 */
export function openToRead(folder: Folder, name: string, manyNames = false): { fd: number; stat: Stats } | undefined {
  const path = folder.at(name)
  let fd: number
  try {
    // Not blocking: the open of a FIFO would wait for a writer.
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') throw linkRefused(path, name)
    if (code === 'ENXIO') throw notRegular(name, 'a socket or a device')
    throw error
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw notRegular(name, stat.isDirectory() ? 'a folder' : 'a FIFO, a socket or a device')
    if (stat.nlink > 1 && !manyNames)
      throw notRegular(name, 'a file with a second name (a hard link), which may lie elsewhere')
    return { fd, stat }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/**
 * Opens a regular file to read it piece by piece, or to change what is said of it.
 *
 * @returns `undefined` when there is none any more
 */
export function openFileIn(folder: Folder, name: string): number | undefined {
  let fd: number
  try {
    fd = openSync(folder.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  return undefined
}

/** @param size what it is said to have; files that are made as they are read say 0 */
function readWhole(fd: number, size: number): Buffer {
  const room = Buffer.allocUnsafe(size + 1)
  const read = size === 0 ? 0 : readSync(fd, room, 0, room.length, 0)
  return read === size && size > 0 ? room.subarray(0, size) : readFileSync(fd)
}

export interface Replacement {
  readonly bytes: Uint8Array
  readonly mode: number
  /** Absent: who runs this process. */
  readonly owner?: Owner | undefined
  /** When it is said to have been written last, in milliseconds since 1970; absent: now. */
  readonly mtime?: number | undefined
  /** The same for every attempt, so that what a killed attempt left behind is found and replaced. */
  readonly temporary: string
  /** Called when everything is written and nothing is visible; throwing here leaves the file as it was. */
  beforeVisible?(): void
}

/**
 * Puts a file in place: readers see the old bytes or the new ones, never a mix, and after a power cut the same holds.
 * On disk when this resolves.
 */
export async function replaceFile(folder: Folder, name: string, file: Replacement): Promise<void> {
  const temporary = folder.at(file.temporary)
  const fd = createExclusively(temporary)
  try {
    try {
      writeWhole(fd, file.bytes)
      // Before the mode: a change of the owner takes some of its bits.
      if (file.owner) giveTo(fd, file.owner)
      // The mode given to open(2) is cut by the umask.
      fchmodSync(fd, file.mode)
      if (file.mtime !== undefined) setWrittenAt(fd, file.mtime)
      await flush(fd)
    } finally {
      closeSync(fd)
    }
    file.beforeVisible?.()
    renameSync(temporary, folder.at(name))
  } catch (error) {
    unlinkSync(temporary)
    throw error
  }
  await flushFolder(folder.fd)
}

/** Removes a regular file and waits until that is on disk. One that is not there is left so. */
export async function removeFile(workspace: Workspace, segments: readonly string[]): Promise<void> {
  using folder = openFolder(workspace, segments.slice(0, -1))
  if (!folder) return
  unlinkIfThere(folder.at(lastOf(segments)))
  await flush(folder.fd)
}

/**
 * Removes those of the folders that are empty, innermost first.
 *
 * @param paths below the root, outermost first
 */
export async function removeEmptyFolders(workspace: Workspace, paths: readonly string[]): Promise<void> {
  for (const path of paths.toReversed()) {
    const segments = path.split('/')
    using parent = openFolder(workspace, segments.slice(0, -1))
    if (!parent) continue
    try {
      rmdirSync(parent.at(lastOf(segments)))
    } catch (error) {
      // In use by somebody else, or gone already.
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) throw error
      continue
    }
    await flush(parent.fd)
  }
}

export const lastOf = (segments: readonly string[]): string => segments[segments.length - 1]!

function createExclusively(path: string | Buffer): number {
  const create = () => openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    return create()
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // The action's own, of an attempt that was killed; a file with holes is made in a folder.
    rmSync(path, { recursive: true, force: true })
    return create()
  }
}

function unlinkIfThere(path: string | Buffer): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) throw notRegular('the target', 'a folder')
    throw error
  }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

const notRegular = (name: string, what: string) =>
  new DeedError('not_a_regular_file', `${name} is ${what}; name a regular file`)
