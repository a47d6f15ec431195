/**
 * A folder's whole content, names, modes, bytes and links, as a value that can be compared and brought back.
 *
 * Bytes are kept under their hash. A second reading hashes only what the file system says has changed since.
 */
import {
  chmodSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { canonicalJson, sha256 } from '@deed/mesh/canonical-json'
import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { Blobs } from './blobs.ts'
import { codeOf, type Folder, openFolder, openOrMakeFolder } from './folder.ts'
import { isPlaceholder } from './placeholder.ts'
import { flush, lastOf, readRegularFile, replaceFile } from './regular-file.ts'
import { isTemporaryName } from './temporary-name.ts'
import type { Workspace } from './workspace.ts'

/** What is larger is not kept, so what changes it cannot be undone. */
export interface TreeLimits {
  readonly files: number
  readonly bytes: number
}

export const treeLimits = ({ rollback }: Pick<ExecutionConfig, 'rollback'>): TreeLimits => ({
  files: rollback.snapshot_max_files,
  bytes: rollback.snapshot_max_mb * 1024 * 1024,
})

export type Entry =
  /** `same`: of a file with several names in what was read, the first of them; this is another. */
  | { type: 'file'; mode: number; sha256: string; same?: string }
  | { type: 'dir'; mode: number }
  | { type: 'link'; to: string }
  /** A FIFO, a socket or a device: seen, never brought back. */
  | { type: 'other' }

/** By path below what was read, in no order. */
export type Entries = Record<string, Entry>

export interface Tree {
  readonly entries: Entries
  readonly files: number
  readonly bytes: number
  /** Of everything in it. */
  readonly hash: string
  /** What the file system said of each file, for the next reading. */
  readonly stamps: ReadonlyMap<string, string>
}

/** What one path was and is; null: nothing there. */
export type Changes = Record<string, { was: Entry | null; is: Entry | null }>

export interface Reading {
  readonly limits: TreeLimits
  /** The folder that is read, below the root; absent: the whole workspace. */
  readonly below?: readonly string[]
  /** An earlier reading of the same; what has not changed is taken from it. */
  readonly since?: Tree | undefined
}

/**
 * Reads a whole folder.
 *
 * @throws {DeedError} `limit_exceeded` when it is too large to be kept
 */
export async function readTree(workspace: Workspace, blobs: Blobs, reading: Reading): Promise<Tree> {
  const { limits, below = [], since } = reading
  const entries: Entries = {}
  const stamps = new Map<string, string>()
  const named = new Map<string, string[]>()
  let [files, bytes] = [0, 0]
  const waiting: string[][] = [[]]
  for (let segments = waiting.pop(); segments; segments = waiting.pop()) {
    using folder = openFolder(workspace, [...below, ...segments])
    // Gone while it was read: somebody else works here too.
    if (!folder) continue
    for (const name of readdirSync(folder.at('.'))) {
      const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
      if (!stat || isPlaceholder(name, stat) || isTemporaryName(name)) continue
      const inner = [...segments, name]
      const path = inner.join('/')
      if (stat.isDirectory()) {
        entries[path] = { type: 'dir', mode: stat.mode & MODE_BITS }
        waiting.push(inner)
      } else if (stat.isSymbolicLink()) {
        entries[path] = { type: 'link', to: readlinkSync(folder.at(name)) }
      } else if (stat.isFile()) {
        files++
        bytes += stat.size
        if (files > limits.files || bytes > limits.bytes)
          throw new DeedError(
            'limit_exceeded',
            `there are more than ${limits.files} files or ${limits.bytes} bytes, which is too much to be kept for an undo`,
          )
        const stamp = stampOf(stat)
        stamps.set(path, stamp)
        const known = since?.stamps.get(path) === stamp ? since.entries[path] : undefined
        entries[path] = known ? alone(known) : await fileEntry(workspace, [...below, ...inner], stat, blobs)
        if (stat.nlink > 1)
          named.set(`${stat.dev}:${stat.ino}`, [...(named.get(`${stat.dev}:${stat.ino}`) ?? []), path])
      } else {
        entries[path] = { type: 'other' }
      }
    }
  }
  for (const paths of named.values()) {
    const [first = '', ...others] = paths.sort()
    for (const path of others) {
      const entry = entries[path]
      if (entry?.type === 'file') entries[path] = { ...entry, same: first }
    }
  }
  return { entries, files, bytes, stamps, hash: sha256(canonicalJson(entries)) }
}

/** What is different in the second. */
export function changesBetween(first: Entries, second: Entries): Changes {
  const changes: Changes = {}
  for (const path of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const [was, is] = [first[path] ?? null, second[path] ?? null]
    if (!sameEntry(was, is)) changes[path] = { was, is }
  }
  return changes
}

/** Whether two are the same but for other names that they may have. */
export const alike = (a: Entry | null, b: Entry | null): boolean => sameEntry(a && alone(a), b && alone(b))

function alone(entry: Entry): Entry {
  if (entry.type !== 'file' || entry.same === undefined) return entry
  const { same: _, ...rest } = entry
  return rest
}

/** Whether a file or a link was last changed after a moment, in milliseconds since 1970. No program can set this time. */
export function changedAfter(workspace: Workspace, path: string, ms: number): boolean {
  const segments = path.split('/')
  using parent = openFolder(workspace, segments.slice(0, -1))
  const stat = parent && lstatSync(parent.at(lastOf(segments)), { throwIfNoEntry: false })
  // A folder changes with each name in it.
  return stat !== undefined && !stat.isDirectory() && stat.ctimeMs > ms
}

export const sameEntry = (a: Entry | null, b: Entry | null): boolean => canonicalJson(a) === canonicalJson(b)

/**
 * Brings each of the changed paths back to what it was. Run again where it was interrupted, it goes on.
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
    if (was?.type === 'dir' && is?.type === 'dir') await setMode(workspace, path, was.mode | OWNER_WRITES)
  }
  // What is in the way goes first, the innermost before what holds it. A file or a link is replaced in one step instead.
  for (const path of paths.toReversed()) {
    const { was, is } = changes[path]!
    if (!is || (was && !changesFolder({ was, is }))) continue
    remove(workspace, path, was?.type)
    crashPoint('executor.mid_compensate')
  }
  for (const path of paths) {
    const { was } = changes[path]!
    const segments = path.split('/')
    if (!was || was.type === 'other') continue
    using parent = openOrMakeFolder(workspace, segments.slice(0, -1), () => undefined)
    const name = lastOf(segments)
    if (was.type === 'file') {
      if (!(await replaceByName(workspace, parent, name, was, temporary)))
        await replaceFile(parent, name, { bytes: blobs.get(was.sha256), mode: was.mode, temporary })
    } else if (was.type === 'link') await replaceByLink(parent, name, was.to, temporary)
    else makeFolder(parent, name, was.mode | OWNER_WRITES)
    crashPoint('executor.mid_compensate')
  }
  // A mode may forbid to write into the folder, so it comes when all is in there.
  for (const path of paths.toReversed()) {
    const { was } = changes[path]!
    if (was?.type === 'dir') await setMode(workspace, path, was.mode)
  }
}

/**
 * Whether a path stands as one of the two states of a change, or between them: what was a folder and is none, or the
 * other way round, is nothing for a moment while it is brought back.
 */
export const isOwn = (now: Entry | null, change: Changes[string]): boolean =>
  alike(now, change.was) || alike(now, change.is) || (now === null && changesFolder(change))

const changesFolder = ({ was, is }: Changes[string]) =>
  was !== null && is !== null && (was.type === 'dir') !== (is.type === 'dir')

async function fileEntry(workspace: Workspace, segments: string[], stat: Stats, blobs: Blobs): Promise<Entry> {
  const file = readRegularFile(workspace, segments, { manyNames: true })
  if (!file) return { type: 'other' }
  return { type: 'file', mode: stat.mode & MODE_BITS, sha256: await blobs.keep(file.bytes) }
}

/** Permissions, with those bits that let a program run as its owner. */
const MODE_BITS = 0o7777
const OWNER_WRITES = 0o700

/** Any write changes ctime, which no program can set. */
const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats) => `${ino}:${size}:${mode}:${mtimeMs}:${ctimeMs}`

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

async function setMode(workspace: Workspace, path: string, mode: number): Promise<void> {
  using folder = openFolder(workspace, path.split('/'))
  if (!folder || (fstatSync(folder.fd).mode & MODE_BITS) === mode) return
  fchmodSync(folder.fd, mode)
  await flush(folder.fd)
}

/**
 * Makes a file another name of the first of its names again, which is back by now, since it comes first.
 *
 * @returns false where the first is not what it was
 */
async function replaceByName(
  workspace: Workspace,
  parent: Folder,
  name: string,
  { same, mode, sha256: hash }: Extract<Entry, { type: 'file' }>,
  temporary: string,
): Promise<boolean> {
  if (same === undefined) return false
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

async function replaceByLink(parent: Folder, name: string, to: string, temporary: string): Promise<void> {
  rmSync(parent.at(temporary), { force: true })
  symlinkSync(to, parent.at(temporary))
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
    throw new DeedError('undo_conflict', `${path} is not empty: somebody has put something there since`)
  }
}

function typeOf(stat: Stats): Entry['type'] {
  if (stat.isDirectory()) return 'dir'
  if (stat.isSymbolicLink()) return 'link'
  return stat.isFile() ? 'file' : 'other'
}
