/**
 * A folder's whole content, names, modes, bytes and links, as a value that can be compared and brought back.
 *
 * Bytes are kept under their hash. A second reading hashes only what the file system says has changed since.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { canonicalJson, sha256 } from '@deed/mesh/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Blobs } from './blobs.ts'
import { codeOf, type Folder, openFolder, openOrMakeFolder } from './folder.ts'
import { isPlaceholder } from './placeholder.ts'
import { lastOf, readRegularFile, replaceFile } from './regular-file.ts'
import type { Workspace } from './workspace.ts'

export const TREE_FILES_MAX = 10_000
export const TREE_BYTES_MAX = 64 * 1024 * 1024

export type Entry =
  | { type: 'file'; mode: number; sha256: string }
  | { type: 'dir'; mode: number }
  | { type: 'link'; to: string }
  /** A FIFO, a socket or a device: seen, never brought back. */
  | { type: 'other' }

/** By path below the root, in no order. */
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

/**
 * Reads the whole workspace.
 *
 * @param since an earlier reading; what has not changed is taken from it
 * @throws {DeedError} `limit_exceeded` above 10,000 files or 64 MB
 */
export async function readTree(workspace: Workspace, blobs: Blobs, since?: Tree): Promise<Tree> {
  const entries: Entries = {}
  const stamps = new Map<string, string>()
  let [files, bytes] = [0, 0]
  const waiting: string[][] = [[]]
  for (let segments = waiting.pop(); segments; segments = waiting.pop()) {
    using folder = openFolder(workspace, segments)
    // Gone while it was read: somebody else works here too.
    if (!folder) continue
    for (const name of readdirSync(folder.at('.'))) {
      const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
      if (!stat || isPlaceholder(name, stat)) continue
      const inner = [...segments, name]
      const path = inner.join('/')
      if (stat.isDirectory()) {
        entries[path] = { type: 'dir', mode: stat.mode & 0o7777 }
        waiting.push(inner)
      } else if (stat.isSymbolicLink()) {
        entries[path] = { type: 'link', to: readlinkSync(folder.at(name)) }
      } else if (stat.isFile()) {
        files++
        bytes += stat.size
        if (files > TREE_FILES_MAX || bytes > TREE_BYTES_MAX)
          throw new DeedError(
            'limit_exceeded',
            `the workspace has more than ${TREE_FILES_MAX} files or ${TREE_BYTES_MAX} bytes`,
          )
        const stamp = stampOf(stat)
        stamps.set(path, stamp)
        const known = since?.stamps.get(path) === stamp ? since.entries[path] : undefined
        entries[path] = known ?? (await fileEntry(workspace, inner, stat, blobs))
      } else {
        entries[path] = { type: 'other' }
      }
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

export const sameEntry = (a: Entry | null, b: Entry | null): boolean => canonicalJson(a) === canonicalJson(b)

/** Brings each of the changed paths back to what it was. */
export async function bringBack(
  workspace: Workspace,
  blobs: Blobs,
  changes: Changes,
  temporary: string,
): Promise<void> {
  const paths = Object.keys(changes).sort()
  // What is in the way goes first, the innermost before what holds it.
  for (const path of paths.toReversed()) {
    const { was, is } = changes[path]!
    if (is && was?.type !== is.type) remove(workspace, path)
    else if (is?.type === 'link') remove(workspace, path)
  }
  for (const path of paths) {
    const { was } = changes[path]!
    const segments = path.split('/')
    if (!was || was.type === 'other') continue
    using parent = openOrMakeFolder(workspace, segments.slice(0, -1), () => undefined)
    const name = lastOf(segments)
    if (was.type === 'file') {
      await replaceFile(parent, name, { bytes: blobs.get(was.sha256), mode: was.mode, temporary })
    } else if (was.type === 'link') {
      symlinkSync(was.to, parent.at(name))
    } else {
      makeFolder(parent, name, was.mode)
    }
  }
}

async function fileEntry(workspace: Workspace, segments: string[], stat: Stats, blobs: Blobs): Promise<Entry> {
  const file = readRegularFile(workspace, segments, { manyNames: true })
  if (!file) return { type: 'other' }
  return { type: 'file', mode: stat.mode & 0o777, sha256: await blobs.keep(file.bytes) }
}

/** Any write changes ctime, which no program can set. */
const stampOf = ({ ino, size, mode, mtimeMs, ctimeMs }: Stats) => `${ino}:${size}:${mode}:${mtimeMs}:${ctimeMs}`

function makeFolder(parent: Folder, name: string, mode: number): void {
  try {
    mkdirSync(parent.at(name))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  chmodSync(parent.at(name), mode)
}

function remove(workspace: Workspace, path: string): void {
  const segments = path.split('/')
  using parent = openFolder(workspace, segments.slice(0, -1))
  if (!parent) return
  const at = parent.at(lastOf(segments))
  const stat = lstatSync(at, { throwIfNoEntry: false })
  if (stat?.isDirectory()) rmdirSync(at)
  else if (stat) unlinkSync(at)
}
