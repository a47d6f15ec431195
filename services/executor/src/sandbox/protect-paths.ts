/**
 * Keeps a confined command from what is protected in its workspace: what exists is read-only or hidden, what does not
 * exist cannot be made. Sockets are hidden too: a process of the host may listen at them. For the latter an empty file is there while the command runs, since a mount needs something
 * to cover.
 */
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, unlinkSync, utimesSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { isProtectedName, PROTECTED_NAMES } from '@deed/config/protected-names'
import { DeedError } from '@deed/proto/errors'
import { escaped } from './mount-table.ts'
import { isPlaceholder, PLACEHOLDER_MODE } from './placeholder.ts'
import type { Confined } from './sandbox.ts'

/** Disposing removes the empty files that no other command needs. */
export interface Protection extends Disposable {
  /** Absolute paths, in the order in which they are to be covered. */
  readonly covers: readonly Cover[]
  /**
   * Detects what cannot be prevented: protected paths below the root, relative to it, that exist now and did not
   * before, or have been replaced.
   */
  broken(): string[]
}

/** What a command finds at a path: the same, but read-only; an empty file; an empty folder. */
export interface Cover {
  readonly path: string
  readonly by: 'itself' | 'file' | 'folder'
}

/** Not even read: credentials lie here. */
export const HIDDEN: ReadonlySet<string> = new Set(['.deed', '.ssh', '.gnupg', '.netrc'])

export interface Protecting {
  /** Absolute paths besides the protected names; where they lie in the workspace, they are read-only. */
  readonly files: readonly string[]
  /** Absolute; where it lies in the workspace, it is hidden. */
  readonly dataFolder: string
}

/** @throws {DeedError} `protected_path` when one is a symbolic link: what it leads to would be shown instead */
export function protectPaths(
  { workspace, protects = true }: Pick<Confined, 'workspace' | 'protects'>,
  { files, dataFolder }: Protecting,
): Protection {
  if (!protects) return { covers: [], broken: () => [], [Symbol.dispose]: () => undefined }
  const covers = new Map<string, Cover>()
  const sockets: string[] = []
  const before = protectedBelow(workspace, (path) => sockets.push(path))
  const made: string[] = []
  const cover = (path: string, by: Cover['by']) => covers.set(path, { path, by })
  const protect = (path: string, name: string) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat || isPlaceholder(name, stat)) {
      if (!standIn(path)) return
      made.push(path)
      cover(path, 'file')
    } else if (stat.isSymbolicLink()) {
      throw new DeedError('protected_path', `${name} is a symbolic link, and cannot be protected from a command`)
    } else if (HIDDEN.has(name)) cover(path, stat.isDirectory() ? 'folder' : 'file')
    else cover(path, 'itself')
  }
  try {
    for (const name of PROTECTED_NAMES) protect(join(workspace, name), name)
    for (const path of before.keys()) {
      const hidden = HIDDEN.has(basename(path).toLowerCase())
      const stat = lstatSync(path, { throwIfNoEntry: false })
      // What a link leads to would be shown instead. One that is replaced is found out.
      if (stat && !stat.isSymbolicLink()) cover(path, !hidden ? 'itself' : stat.isDirectory() ? 'folder' : 'file')
    }
    for (const path of sockets) if (!covers.has(path)) cover(path, 'file')
    for (const path of files) if (path.startsWith(`${workspace}/`) && !covers.has(path)) cover(path, 'itself')
    if (dataFolder.startsWith(`${workspace}/`) && !covers.has(dataFolder)) cover(dataFolder, 'folder')
  } catch (error) {
    release(made)
    throw error
  }
  return {
    covers: [...covers.values()],
    broken: () => brokenSince(workspace, before),
    [Symbol.dispose]: () => release(made),
  }
}

/** Protected paths below the root, relative to it, that exist now and did not before, or have been replaced. */
export const brokenSince = (workspace: string, before: ReadonlyMap<string, string>): string[] =>
  [...protectedBelow(workspace)].flatMap(([path, is]) => (before.get(path) === is ? [] : relative(workspace, path)))

/**
 * The protected paths in the folders of a workspace, but not in its root; each with what tells it from another one.
 *
 * @param onSocket called for each Unix socket in the workspace that is not below a protected path
 */
export function protectedBelow(workspace: string, onSocket?: (path: string) => void): Map<string, string> {
  const found = new Map<string, string>()
  const waiting = [workspace]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name)
      if (!isProtectedName(entry.name)) {
        if (entry.isDirectory()) waiting.push(path)
        else if (entry.isSocket()) onSocket?.(path)
      } else if (folder !== workspace) {
        const stat = lstatSync(path, { throwIfNoEntry: false })
        if (stat) found.set(path, `${stat.dev}:${stat.ino}`)
      }
    }
  }
  return found
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // Gone in the meantime, or closed to this process, which then has put nothing there to protect.
    return []
  }
}

interface StandIn {
  /** Commands of this process that need it. */
  commands: number
  /** Its time as this process made it. Another executor that finds it there changes the time, and so says that it needs it too. */
  readonly madeMs: number | undefined
}

const standIns = new Map<string, StandIn>()

/** @returns whether it is there now; not so where this process may not write, for then the command may not either */
function standIn(path: string): boolean {
  const known = standIns.get(path)
  if (known) {
    known.commands++
    return true
  }
  try {
    closeSync(openSync(path, 'wx', PLACEHOLDER_MODE))
    standIns.set(path, { commands: 1, madeMs: lstatSync(path).mtimeMs })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EROFS' || code === 'ENOENT') return false
    if (code !== 'EEXIST') throw error
    try {
      utimesSync(path, SHARED, SHARED)
    } catch (gone) {
      // Another command has ended just now, and taken it away.
      if ((gone as NodeJS.ErrnoException).code === 'ENOENT') return standIn(path)
      throw gone
    }
    standIns.set(path, { commands: 1, madeMs: undefined })
  }
  return true
}

const SHARED = new Date(0)

function release(paths: readonly string[]): void {
  let covered: string | undefined
  for (const path of paths) {
    const known = standIns.get(path)
    if (!known || --known.commands > 0) continue
    standIns.delete(path)
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat || !isPlaceholder(basename(path), stat)) continue
    // A mount goes when the file below it does, so commands of other executors on this host count too.
    if (stat.mtimeMs !== known.madeMs) covered ??= mountsOfOthers()
    if (covered === undefined || stat.mtimeMs === known.madeMs || !covered.includes(` ${escaped(path)} `))
      unlinkSync(path)
  }
}

/** The names of the first processes of a box. */
const BOXES = ['bwrap\n', 'sh\n']

function mountsOfOthers(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && BOXES.includes(readText(`/proc/${name}/comm`)))
    .map((pid) => readText(`/proc/${pid}/mountinfo`))
    .join('')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Gone in the meantime, or another user's.
    return ''
  }
}
