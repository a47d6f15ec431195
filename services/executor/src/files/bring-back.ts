/** Brings a workspace back to what it was, path by path. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { sha256 } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { Blobs } from '../workspace/blobs.ts'
import { flush } from '../workspace/flush-folder.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { isClosed, unclose } from './closed-folder.ts'
import { bytesOfName, shownName } from './file-name.ts'
import { codeOf, type Folder, openFolder, openOrMakeFolder } from './folder.ts'
import { giveLinkTo, giveTo, MODE_BITS, type Owner, setWrittenAt } from './owner.ts'
import { lastOf, openFileIn, readRegularFile, replaceFile } from './regular-file.ts'
import { unpackSparse } from './sparse-file.ts'
import { type Changes, changesFolder, type Entry, type FileEntry } from './tree.ts'

const OWNER_WRITES = 0o700

/**
 * Brings each of the changed paths back to what it was. Run again where it was interrupted, it continues.
 *
 * @throws {DeedError} `undo_conflict` when somebody has put something into a folder that is to go
 */
export async function bringBack(
  workspace: Workspace,
  blobs: Blobs,
  changes: Changes,
  temporary: string,
): Promise<void> {
  const paths = Object.keys(changes).sort()
  for (const path of paths) {
    const { was, is } = changes[path]!
    if (is?.type !== 'dir' || (was && was.type !== 'dir')) continue
    await setMode(workspace, path, (was ?? is).mode | OWNER_WRITES)
  }
  // What is in the way goes first, the innermost before what holds it. A file or a link is replaced in one step instead.
  for (const path of paths.toReversed()) {
    const { was, is } = changes[path]!
    if (!is || (was && !changesFolder({ was, is }))) continue
    remove(workspace, path, was?.type)
    crashPoint('executor.mid_compensate')
  }
  for (const path of paths) {
    const { was, is } = changes[path]!
    const segments = path.split('/')
    if (!was || was.type === 'other') continue
    using parent = openOrMakeFolder(workspace, segments.slice(0, -1), () => undefined)
    const name = lastOf(segments)
    if (was.type === 'file') await bringFileBack(workspace, parent, name, was, is, blobs, temporary)
    else if (was.type === 'link') await replaceByLink(parent, name, was, temporary)
    else makeFolder(parent, name, was.mode | OWNER_WRITES)
    crashPoint('executor.mid_compensate')
  }
  // A mode may forbid to write into the folder, so it comes when all is in there.
  for (const path of paths.toReversed()) {
    const { was } = changes[path]!
    if (was?.type === 'dir') await setMode(workspace, path, was.mode, was)
  }
}

async function bringFileBack(
  workspace: Workspace,
  parent: Folder,
  name: string,
  was: FileEntry,
  is: Entry | null,
  blobs: Blobs,
  temporary: string,
): Promise<void> {
  const { mode, mtime } = was
  if (is?.type === 'file' && is.sha256 === was.sha256 && is.same === was.same) {
    // Whichever of the two is there, its bytes are right.
    const fd = openFileIn(parent, name)
    if (fd !== undefined) return await describe(fd, was)
  }
  if (await replaceByName(workspace, parent, name, was, temporary)) return
  if (!was.sparse) {
    await replaceFile(parent, name, { bytes: blobs.get(was.sha256), mode, owner: was, mtime, temporary })
    return
  }
  await unpackSparse(parent, name, temporary, blobs.get(was.sha256), async (made) => {
    const fd = openFileIn(parent, made)
    if (fd !== undefined) await describe(fd, was)
  })
  await flush(parent.fd)
}

/** Gives an open file what is said of it, and closes it. */
async function describe(fd: number, was: FileEntry): Promise<void> {
  try {
    giveTo(fd, was)
    fchmodSync(fd, was.mode)
    setWrittenAt(fd, was.mtime)
    await flush(fd)
  } finally {
    closeSync(fd)
  }
}

function makeFolder(parent: Folder, name: string, mode: number): void {
  try {
    mkdirSync(parent.at(name), mode)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw error
  }
  // The mode given to mkdir(2) is cut by the umask.
  chmodSync(parent.at(name), mode)
}

async function setMode(workspace: Workspace, path: string, mode: number, owner?: Owner): Promise<void> {
  const segments = path.split('/')
  using parent = openFolder(workspace, segments.slice(0, -1))
  const known = parent && lstatSync(parent.at(lastOf(segments)), { throwIfNoEntry: false })
  if (parent && known?.isDirectory() && isClosed(known)) unclose(parent, lastOf(segments), known.mode)
  using folder = openFolder(workspace, segments)
  if (!folder) return
  const stat = fstatSync(folder.fd)
  const given = owner === undefined || (stat.uid === owner.uid && stat.gid === owner.gid)
  if (given && (stat.mode & MODE_BITS) === mode) return
  if (owner && !given) giveTo(folder.fd, owner)
  fchmodSync(folder.fd, mode)
  await flush(folder.fd)
}

/**
 * Makes a file another name of the first of its names again, which is already back, since it comes first.
 *
 * @returns false where the first is not what it was
 */
async function replaceByName(
  workspace: Workspace,
  parent: Folder,
  name: string,
  { same, mode, sha256: hash, sparse }: FileEntry,
  temporary: string,
): Promise<boolean> {
  if (same === undefined || sparse) return false
  const first = same.split('/')
  const file = readRegularFile(workspace, first, { manyNames: true })
  if (file?.mode !== mode || sha256(file.bytes) !== hash) return false
  using folder = openFolder(workspace, first.slice(0, -1))
  if (!folder) return false
  rmSync(parent.at(temporary), { force: true })
  linkSync(folder.at(lastOf(first)), parent.at(temporary))
  renameSync(parent.at(temporary), parent.at(name))
  // Where both are names of one file already, rename(2) does nothing.
  rmSync(parent.at(temporary), { force: true })
  await flush(parent.fd)
  return true
}

async function replaceByLink(
  parent: Folder,
  name: string,
  was: Extract<Entry, { type: 'link' }>,
  temporary: string,
): Promise<void> {
  rmSync(parent.at(temporary), { force: true })
  symlinkSync(bytesOfName(was.to), parent.at(temporary))
  giveLinkTo(parent.at(temporary), was)
  renameSync(parent.at(temporary), parent.at(name))
  await flush(parent.fd)
}

/** @param unless of this type it is what an undo that died has brought back already */
function remove(workspace: Workspace, path: string, unless?: Entry['type']): void {
  const segments = path.split('/')
  using parent = openFolder(workspace, segments.slice(0, -1))
  if (!parent) return
  const at = parent.at(lastOf(segments))
  const stat = lstatSync(at, { throwIfNoEntry: false })
  if (!stat || (unless !== undefined && typeOf(stat) === unless)) return
  if (!stat.isDirectory()) return unlinkSync(at)
  try {
    rmdirSync(at)
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') throw error
    throw new DeedError('undo_conflict', `${shownName(path)} is not empty: somebody has put something there since`)
  }
}

function typeOf(stat: Stats): Entry['type'] {
  if (stat.isDirectory()) return 'dir'
  if (stat.isSymbolicLink()) return 'link'
  return stat.isFile() ? 'file' : 'other'
}
