/**
 * A folder's whole content, names, modes, owners, bytes and links, as a value that can be compared and brought back.
 *
 * Bytes are kept under their hash. A second reading hashes only what the file system says has changed since.
 */
import { createHash } from 'node:crypto'
import { closeSync, lstatSync, read, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { promisify } from 'node:util'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { isPlaceholder } from '../sandbox/placeholder.ts'
import type { Blobs } from '../workspace/blobs.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { isClosed, openClosed } from './closed-folder.ts'
import { nameOfBytes, shownName } from './file-name.ts'
import { type Folder, openFolder } from './folder.ts'
import { isIgnored } from './ignored.ts'
import { MODE_BITS, writtenAt } from './owner.ts'
import { FILE_BYTES_MAX, lastOf, openFileIn } from './regular-file.ts'
import { isSparse, packSparse } from './sparse-file.ts'
import { isTemporaryName } from './temporary-name.ts'

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
  | FileEntry
  | { type: 'dir'; mode: number; uid: number; gid: number }
  | { type: 'link'; to: string; uid: number; gid: number }
  /** A FIFO, a socket or a device: seen, never brought back. */
  | { type: 'other' }

export interface FileEntry {
  type: 'file'
  mode: number
  uid: number
  gid: number
  /** When it was last written, in milliseconds since 1970. It is brought back; who only writes the same again is no other. */
  mtime: number
  /** Of its bytes; of a file with holes, of the archive that names them. */
  sha256: string
  sparse?: true
  /** Of a file with several names in what was read, the first of them; this is another. */
  same?: string
}

/** By path below what was read, in no order; names as `nameOfBytes` makes them. */
export type Entries = Record<string, Entry>

export interface Tree {
  readonly entries: Entries
  readonly files: number
  readonly bytes: number
  /** Of everything in it, whenever it was written. */
  readonly hash: string
  /** What the file system said of each file, for the next reading. */
  readonly stamps: ReadonlyMap<string, string>
}

/** What one path was and is; null: nothing there. */
export type Changes = Record<string, { was: Entry | null; is: Entry | null }>

export interface Reading {
  /** What may be kept; absent: nothing is, so how much there is does not matter. */
  readonly limits?: TreeLimits
  /** The folder that is read, below the root; absent: the whole workspace. */
  readonly below?: readonly string[]
  /** Patterns of what is left out, as `isIgnored` takes them. */
  readonly ignore?: readonly string[] | undefined
  /** An earlier reading of the same; what has not changed is taken from it. */
  readonly since?: Tree | undefined
}

/**
 * Reads a whole folder.
 *
 * @throws {DeedError} `limit_exceeded` when it is too large to be kept, naming what is to blame
 */
export async function readTree(workspace: Workspace, blobs: Blobs, reading: Reading): Promise<Tree> {
  const { limits, below = [], ignore = [], since } = reading
  const entries: Entries = {}
  const stamps = new Map<string, string>()
  const named = new Map<string, string[]>()
  const kept = keptWithin(limits)
  const waiting: string[][] = [[]]
  using opened = new DisposableStack()
  for (let segments = waiting.pop(); segments; segments = waiting.pop()) {
    using folder = openFolder(workspace, [...below, ...segments])
    // Gone while it was read: somebody else works here too.
    if (!folder) continue
    for (const bytes of readdirSync(folder.path, { encoding: 'buffer' })) {
      const name = nameOfBytes(bytes)
      const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
      if (!stat || isPlaceholder(name, stat) || isTemporaryName(name)) continue
      const { uid, gid } = stat
      const inner = [...segments, name]
      const path = inner.join('/')
      if (isIgnored(ignore, path)) continue
      if (stat.isDirectory()) {
        entries[path] = { type: 'dir', mode: stat.mode & MODE_BITS, uid, gid }
        if (isClosed(stat)) opened.use(openClosed(folder, name, stat.mode))
        waiting.push(inner)
      } else if (stat.isSymbolicLink()) {
        const to = nameOfBytes(readlinkSync(folder.at(name), { encoding: 'buffer' }))
        entries[path] = { type: 'link', to, uid, gid }
      } else if (stat.isFile()) {
        kept.add(path, isSparse(stat) ? stat.blocks * 512 : stat.size)
        const stamp = stampOf(stat)
        stamps.set(path, stamp)
        const known = since?.stamps.get(path) === stamp ? since.entries[path] : undefined
        entries[path] = known ? alone(known) : await fileEntry(folder, name, { stat, blobs, path, keeps: !!limits })
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
  return { entries, ...kept.sum(), stamps, hash: hashOf(entries) }
}

/** Counts what is to be kept, and refuses what is too much. */
function keptWithin(limits: TreeLimits | undefined) {
  let [files, bytes] = [0, 0]
  let largest = { path: '', bytes: -1 }
  const byFolder = new Map<string, number>()
  return {
    sum: () => ({ files, bytes }),
    add(path: string, more: number): void {
      files++
      bytes += more
      if (!limits) return
      const [top = ''] = path.split('/')
      byFolder.set(top, (byFolder.get(top) ?? 0) + 1)
      if (more > largest.bytes) largest = { path, bytes: more }
      if (files > limits.files) {
        const [folder, count] = [...byFolder].sort(([, a], [, b]) => b - a)[0]!
        throw tooMuch(`there are more than ${limits.files} files, ${count} of them in ${shownName(folder)}`)
      }
      if (bytes > limits.bytes)
        throw tooMuch(
          `there are more than ${megabytes(limits.bytes)}, of which ${shownName(largest.path)} has ${megabytes(largest.bytes)}`,
        )
    },
  }
}

const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(bytes < 100 * 1024 * 1024 ? 1 : 0)} MB`

const tooMuch = (what: string) => new DeedError('limit_exceeded', `${what}, which is too much to be kept for an undo`)

/** Of entries, whenever the files were written. */
export const hashOf = (entries: Entries): string =>
  sha256(canonicalJson(Object.fromEntries(Object.entries(entries).map(([path, entry]) => [path, undated(entry)]))))

/** What is different in the second. */
export function changesBetween(first: Entries, second: Entries): Changes {
  const changes: Changes = {}
  for (const path of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const [was, is] = [first[path] ?? null, second[path] ?? null]
    if (!sameEntry(was, is)) changes[path] = { was, is }
  }
  return changes
}

/** Whether two are the same but for other names that they may have, and for when they were written. */
export const alike = (a: Entry | null, b: Entry | null): boolean =>
  sameEntry(a && undated(alone(a)), b && undated(alone(b)))

function undated(entry: Entry): object {
  if (entry.type !== 'file') return entry
  const { mtime: _, ...rest } = entry
  return rest
}

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

export const sameEntry = (a: object | null, b: object | null): boolean => canonicalJson(a) === canonicalJson(b)

/**
 * Whether a path stands as one of the two states of a change, or between them: what was a folder and is none, or the
 * other way round, is nothing for a moment while it is brought back.
 */
export const isOwn = (now: Entry | null, change: Changes[string]): boolean =>
  alike(now, change.was) || alike(now, change.is) || (now === null && changesFolder(change))

export const changesFolder = ({ was, is }: Changes[string]) =>
  was !== null && is !== null && (was.type === 'dir') !== (is.type === 'dir')

interface OneFile {
  readonly stat: Stats
  readonly blobs: Blobs
  /** For people. */
  readonly path: string
  readonly keeps: boolean
}

async function fileEntry(folder: Folder, name: string, { stat, blobs, path, keeps }: OneFile): Promise<Entry> {
  const { uid, gid } = stat
  const described = { type: 'file', mode: stat.mode & MODE_BITS, uid, gid, mtime: writtenAt(stat) } as const
  const fd = openFileIn(folder, name)
  if (fd === undefined) return { type: 'other' }
  try {
    if (isSparse(stat)) return { ...described, sha256: await keptArchive(fd, path, blobs, keeps), sparse: true }
    if (stat.size <= FILE_BYTES_MAX) return { ...described, sha256: await blobs.keep(readFileSync(fd)) }
    if (keeps) throw tooMuch(`${shownName(path)} has ${megabytes(stat.size)}`)
    return { ...described, sha256: await hashInPieces(fd) }
  } finally {
    closeSync(fd)
  }
}

async function keptArchive(fd: number, path: string, blobs: Blobs, keeps: boolean): Promise<string> {
  const hash = createHash('sha256')
  const chunks: Buffer[] = []
  let bytes = 0
  await packSparse(fd, (chunk) => {
    hash.update(chunk)
    bytes += chunk.length
    if (keeps && bytes <= FILE_BYTES_MAX) chunks.push(chunk)
  })
  if (!keeps) return hash.digest('hex')
  if (bytes > FILE_BYTES_MAX) throw tooMuch(`${shownName(path)} has ${megabytes(bytes)} on disk`)
  return await blobs.keep(Buffer.concat(chunks))
}

const PIECE_BYTES = 1024 * 1024
const readPiece = promisify(read)

/** Of a file that is too large to be held whole; others go on meanwhile. */
async function hashInPieces(fd: number): Promise<string> {
  const hash = createHash('sha256')
  const room = Buffer.allocUnsafe(PIECE_BYTES)
  for (;;) {
    const { bytesRead } = await readPiece(fd, room, 0, PIECE_BYTES, null)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(room.subarray(0, bytesRead))
  }
}

/** Any write changes ctime, which no program can set. */
const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats) => `${ino}:${size}:${mode}:${mtimeMs}:${ctimeMs}`
