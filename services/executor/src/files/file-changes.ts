/**
 * Several files of a workspace that an action changes together: kept as they were and as they are to be, made whole
 * after a kill at any point, and brought back.
 */
import { canonicalJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Context, TargetState } from '../kind/kind.ts'
import { type Blobs, noBlobs } from '../workspace/blobs.ts'
import { refuseHidden, type Workspace } from '../workspace/workspace.ts'
import { bringBack } from './bring-back.ts'
import { missingFolders } from './folder.ts'
import { type FileContent, readRegularFile, removeEmptyFolders } from './regular-file.ts'
import { temporaryNameOf } from './temporary-name.ts'
import { alike, type Changes, type Entries, type Entry, isOwn } from './tree.ts'

/** A type, not an interface: it is part of what is stored as JSON. */
export type FilesBefore = {
  /** The hash under which each path is kept as it was, and as it is to be. */
  changes: string
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
}

/** By path below the workspace's root; `undefined`: no such file. */
export type FileChanges = ReadonlyMap<string, { old: FileContent | undefined; fresh: FileContent | undefined }>

/** What was kept, as it was made: an inspection keeps nothing. */
const known = new WeakMap<FilesBefore, Changes>()

/**
 * @param extend what else is stored with it, given the files that there are
 * @throws {DeedError} `invalid_request` for new names with characters that are not seen
 */
export async function keepFiles<More extends object>(
  files: FileChanges,
  context: Context,
  extend: (met: Entries) => More,
): Promise<FilesBefore & More> {
  const { blobs } = context.world
  const changes: Changes = {}
  const met: Entries = {}
  const missing = new Set<string>()
  for (const [path, { old, fresh }] of files) {
    changes[path] = { was: await entryOf(old, blobs), is: await entryOf(fresh, blobs) }
    const { was } = changes[path]
    if (was) met[path] = was
    if (old || !fresh) continue
    const segments = path.split('/')
    const folders = missingFolders(atRoot(context), segments.slice(0, -1))
    refuseHidden(segments.slice(-1 - folders.length))
    for (const one of folders) missing.add(one)
  }
  const kept = await blobs.keep(Buffer.from(canonicalJson(changes)))
  const before = { changes: kept, missing: [...missing].sort(), ...extend(met) }
  known.set(before, changes)
  return before
}

export const changesOf = (before: FilesBefore, { world }: Context): Changes =>
  known.get(before) ?? (JSON.parse(world.blobs.get(before.changes).toString()) as Changes)

/** @returns how many files are changed @throws {DeedError} `precondition_failed` where somebody has changed one meanwhile */
export async function changeFiles(before: FilesBefore, context: Context): Promise<string[]> {
  const changes = changesOf(before, context)
  const paths = Object.keys(changes)
  const now = await readNow(paths, context)
  const foreign = paths.find((path) => !isOwn(now[path] ?? null, changes[path]!))
  if (foreign !== undefined)
    throw new DeedError('precondition_failed', `${foreign} was changed by somebody just now; plan again`)
  context.begin()
  const left = paths.filter((path) => !alike(now[path] ?? null, changes[path]!.is))
  const forward = left.map((path) => [path, { was: changes[path]!.is, is: now[path] ?? null }] as const)
  await bringBack(atRoot(context), context.world.blobs, Object.fromEntries(forward), temporaryNameOf(context.actionId))
  return paths
}

/** The first path that is not as it is to be; `undefined`: all are. */
export async function unfinishedFile(before: FilesBefore, context: Context): Promise<string | undefined> {
  const changes = changesOf(before, context)
  const paths = Object.keys(changes)
  const now = await readNow(paths, context)
  return paths.find((path) => !alike(now[path] ?? null, changes[path]!.is))
}

/** @returns what it did, in a sentence */
export async function bringFilesBack(before: FilesBefore, context: Context): Promise<string> {
  const changes = changesOf(before, context)
  context.begin()
  await bringBack(atRoot(context), context.world.blobs, changes, temporaryNameOf(context.actionId))
  await removeEmptyFolders(atRoot(context), before.missing)
  return `brought back ${Object.keys(changes).length} changed paths`
}

/** @param by what has changed them, as in `the patch` */
export async function filesState(before: FilesBefore, context: Context, by: string): Promise<TargetState> {
  const changes = changesOf(before, context)
  const paths = Object.keys(changes)
  const now = await readNow(paths, context)
  if (paths.every((path) => alike(now[path] ?? null, changes[path]!.was)))
    return { at: 'before', observed: `each of the ${paths.length} files is as it was` }
  const foreign = paths.filter((path) => !isOwn(now[path] ?? null, changes[path]!))
  if (foreign.length === 0) return { at: 'after', observed: `some of the files are as ${by} left them` }
  const more = foreign.length === 1 ? '' : ` and ${foreign.length - 1} more`
  return {
    at: 'elsewhere',
    observed: `somebody has changed ${foreign[0]}${more} since`,
    kept: foreign.flatMap((path) => {
      const { was } = changes[path]!
      return was?.type === 'file' ? { path, sha256: was.sha256 } : []
    }),
  }
}

export const atRoot = ({ workspace }: Pick<Context, 'workspace'>): Workspace => ({ root: workspace.root, base: [] })

/** Of a file that there was not before. */
export const madeNow = () => ({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mtime: Date.now() })

async function entryOf(file: FileContent | undefined, blobs: Blobs): Promise<Entry | null> {
  if (!file) return null
  const { mode, uid, gid, mtime } = file
  return { type: 'file', mode, uid, gid, mtime, sha256: await blobs.keep(file.bytes) }
}

async function readNow(paths: readonly string[], context: Context): Promise<Record<string, Entry | null>> {
  const now: Record<string, Entry | null> = {}
  for (const path of paths) now[path] = await entryOf(readRegularFile(atRoot(context), path.split('/')), noBlobs)
  return now
}
