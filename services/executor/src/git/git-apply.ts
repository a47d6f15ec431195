/**
 * git.apply: a patch of any number of files below a repository, made whole or not at all: every hunk is placed before
 * anything is written. Undone by bringing back the bytes, modes and owners of each, and removing what it made.
 */
import { counted } from '@deed/config/counted'
import { canonicalJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { bringBack } from '../files/bring-back.ts'
import { modeAfter } from '../files/file-patch.ts'
import { missingFolders, openFolder } from '../files/folder.ts'
import { applyHunks, type FilePatch, parseDiff, reversed } from '../files/patch.ts'
import { refusePut, refuseRemoval } from '../files/refuse-unchangeable.ts'
import { type FileContent, readRegularFile, removeEmptyFolders } from '../files/regular-file.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import { alike, type Changes, type Entries, type Entry, hashOf, isOwn } from '../files/tree.ts'
import { unifiedDiff } from '../files/unified-diff.ts'
import type { Before, Context, Kind, TargetState } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { type Blobs, noBlobs } from '../workspace/blobs.ts'
import { refuseHidden, refuseProtected, segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { RepositoryPath } from './repository.ts'

const FILES_MAX = 1_000
const MODE_DEFAULT = 0o644

const Input = z.strictObject({
  repository: RepositoryPath,
  /** As `git diff` and `git format-patch` write it, of text. */
  patch: z.string().min(1).max(1_000_000),
})
export type GitApply = z.output<typeof Input>

export type ApplyBefore = Before & {
  /** The hash under which each path is kept as it was, and as it is to be. */
  changes: string
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
  applied: boolean
}

/** What was kept, as it was made: an inspection keeps nothing. */
const known = new WeakMap<ApplyBefore, Changes>()

export const gitApply: Kind<GitApply, ApplyBefore> = {
  name: 'git.apply',
  version: 1,
  input: Input,
  idempotent: true,
  example: { repository: '.', patch: '--- a/notes.md\n+++ b/notes.md\n@@ -1 +1 @@\n-# Today\n+# Tomorrow\n' },
  effectOf: () => 'change',
  summary: ({ patch }) => `apply a patch of ${counted(patch.length, 'character')}`,
  async before(input, context) {
    const { files, applied } = patched(input, context)
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
    const before = { state: `files:${hashOf(met)}`, changes: kept, missing: [...missing].sort(), applied }
    known.set(before, changes)
    return before
  },
  refuse(input, context) {
    for (const [path, { fresh }] of patched(input, context).files) {
      if (fresh) refusePut(atRoot(context), path)
      else refuseRemoval(atRoot(context), path)
    }
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { applied }) => applied,
  postcondition: () => ({ kind: 'own_look' }),
  async observe(_, context, before) {
    const changes = changesOf(before, context)
    const paths = Object.keys(changes)
    const now = await readNow(paths, context)
    const other = paths.find((path) => !alike(now[path] ?? null, changes[path]!.is))
    if (other === undefined)
      return verified(`each of ${paths.length} files has the bytes and the mode that the patch gives it`)
    return failed(`${other} is not as the patch leaves it`)
  },
  async execute(_, context, before) {
    const changes = changesOf(before, context)
    const paths = Object.keys(changes)
    const now = await readNow(paths, context)
    const foreign = paths.find((path) => !isOwn(now[path] ?? null, changes[path]!))
    if (foreign !== undefined)
      throw new DeedError('precondition_failed', `${foreign} was changed by somebody just now; plan again`)
    context.begin()
    const left = paths.filter((path) => !alike(now[path] ?? null, changes[path]!.is))
    const forward = left.map((path) => [path, { was: changes[path]!.is, is: now[path] ?? null }] as const)
    await bringBack(
      atRoot(context),
      context.world.blobs,
      Object.fromEntries(forward),
      temporaryNameOf(context.actionId),
    )
    const text = `patched ${counted(paths.length, 'file')}`
    return { claimed: text, result: { text, data: { paths } } }
  },
  async compensate(_, context, before) {
    const changes = changesOf(before, context)
    context.begin()
    await bringBack(atRoot(context), context.world.blobs, changes, temporaryNameOf(context.actionId))
    await removeEmptyFolders(atRoot(context), before.missing)
    return `brought back ${Object.keys(changes).length} changed paths`
  },
  async targetState(_, context, before): Promise<TargetState> {
    const changes = changesOf(before, context)
    const paths = Object.keys(changes)
    const now = await readNow(paths, context)
    if (paths.every((path) => alike(now[path] ?? null, changes[path]!.was)))
      return { at: 'before', observed: `each of the ${paths.length} files is as it was` }
    const foreign = paths.filter((path) => !isOwn(now[path] ?? null, changes[path]!))
    if (foreign.length === 0) return { at: 'after', observed: 'some of the files are as the patch left them' }
    const more = foreign.length === 1 ? '' : ` and ${foreign.length - 1} more`
    return {
      at: 'elsewhere',
      observed: `somebody has changed ${foreign[0]}${more} since`,
      kept: foreign.flatMap((path) => {
        const { was } = changes[path]!
        return was?.type === 'file' ? { path, sha256: was.sha256 } : []
      }),
    }
  },
  /** Of the very lines that change, wherever the patch says that they are. */
  diff(input, context) {
    const text = ({ bytes }: FileContent) => bytes.toString()
    const diffs = [...patched(input, context).files].flatMap(
      ([path, { old, fresh }]) => unifiedDiff(path, old && text(old), fresh && text(fresh)) ?? [],
    )
    return diffs.length === 0 ? undefined : diffs.join('\n')
  },
}

const atRoot = ({ workspace }: Pick<Context, 'workspace'>): Workspace => ({ root: workspace.root, base: [] })

interface Patched {
  /** By path below the workspace's root. */
  readonly files: ReadonlyMap<string, { old: FileContent | undefined; fresh: FileContent | undefined }>
  /** Nothing is left to do. */
  readonly applied: boolean
}

/** @throws {DeedError} `not_found`, `invalid_request`, `protected_path`, `precondition_failed` */
function patched({ repository, patch }: GitApply, context: Context): Patched {
  const base = segmentsOf(context.workspace, repository)
  using folder = openFolder(context.workspace, [...base, '.git'])
  if (!folder) throw new DeedError('not_found', `${repository} is not a git repository`, { path: '$.input.repository' })
  const below = { root: context.workspace.root, base }
  const patches = parseDiff(patch, 'patch')
  const paths = new Set(patches.flatMap(({ from, to }) => [from, to]))
  if (paths.has(undefined))
    throw new DeedError('invalid_request', 'the patch does not name its files', { path: '$.input.patch' })
  if (paths.size > FILES_MAX) throw new DeedError('invalid_request', `the patch names more than ${FILES_MAX} files`)
  try {
    return { files: appliedTo(below, patches, context), applied: false }
  } catch (error) {
    if (!(error instanceof DeedError) || error.code !== 'precondition_failed') throw error
    try {
      const files = appliedTo(below, patches.toReversed().map(reversed), context)
      return { files: new Map([...files].map(([path, { old }]) => [path, { old, fresh: old }])), applied: true }
    } catch {
      throw new DeedError('precondition_failed', `the patch does not fit: ${error.message}`)
    }
  }
}

function appliedTo(workspace: Workspace, patches: readonly FilePatch[], { world }: Context): Patched['files'] {
  const files = new Map<string, { old: FileContent | undefined; fresh: FileContent | undefined }>()
  const at = (name: string) => {
    const segments = segmentsOf(workspace, name)
    refuseProtected(workspace, segments, world.protectedFiles)
    const path = segments.join('/')
    const met = files.get(path)
    if (met) return met
    const old = readRegularFile({ root: workspace.root, base: [] }, segments)
    const file = { old, fresh: old }
    files.set(path, file)
    return file
  }
  for (const patch of patches) {
    const { from, to, hunks, copies } = patch
    const source = from ? at(from) : undefined
    const target = to ? at(to) : undefined
    if (from && !source?.fresh) throw new DeedError('precondition_failed', `${from} does not exist`)
    if (to && to !== from && target?.fresh) throw new DeedError('precondition_failed', `${to} exists already`)
    const file = source?.fresh
    const bytes = placed(file?.bytes ?? Buffer.alloc(0), hunks, from ?? to ?? '')
    if (!to && bytes.length > 0) throw new DeedError('precondition_failed', `${from} has more than the patch removes`)
    if (source && to !== from && !copies) source.fresh = undefined
    if (target) target.fresh = { ...(file ?? madeNow()), bytes, mode: modeAfter(patch, file?.mode ?? MODE_DEFAULT) }
  }
  return files
}

const madeNow = () => ({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, mtime: Date.now() })

function placed(bytes: Buffer, hunks: FilePatch['hunks'], path: string): Buffer {
  try {
    return applyHunks(bytes, hunks)
  } catch (error) {
    throw error instanceof DeedError ? new DeedError(error.code, `${path}: ${error.message}`) : error
  }
}

async function entryOf(file: FileContent | undefined, blobs: Blobs): Promise<Entry | null> {
  if (!file) return null
  const { mode, uid, gid, mtime } = file
  return { type: 'file', mode, uid, gid, mtime, sha256: await blobs.keep(file.bytes) }
}

const changesOf = (before: ApplyBefore, { world }: Context): Changes =>
  known.get(before) ?? (JSON.parse(world.blobs.get(before.changes).toString()) as Changes)

async function readNow(paths: readonly string[], context: Context): Promise<Record<string, Entry | null>> {
  const now: Record<string, Entry | null> = {}
  for (const path of paths) now[path] = await entryOf(readRegularFile(atRoot(context), path.split('/')), noBlobs)
  return now
}
