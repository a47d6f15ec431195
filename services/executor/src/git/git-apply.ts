/**
 * git.apply: a patch of any number of files below a repository, made whole or not at all: every hunk is placed before
 * anything is written. Undone by bringing back the bytes, modes and owners of each, and removing what it made.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import {
  atRoot,
  bringFilesBack,
  changeFiles,
  changesOf,
  type FileChanges,
  type FilesBefore,
  filesState,
  keepFiles,
  madeNow,
  unfinishedFile,
} from '../files/file-changes.ts'
import { modeAfter } from '../files/file-patch.ts'
import { openFolder } from '../files/folder.ts'
import { applyHunks, type FilePatch, parseDiff, reversed } from '../files/patch.ts'
import { refusePut, refuseRemoval } from '../files/refuse-unchangeable.ts'
import { type FileContent, readRegularFile } from '../files/regular-file.ts'
import { hashOf } from '../files/tree.ts'
import { unifiedDiff } from '../files/unified-diff.ts'
import type { Before, Context, Kind } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { refuseProtected, segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { RepositoryPath } from './repository.ts'

const FILES_MAX = 1_000
const MODE_DEFAULT = 0o644

const Input = z.strictObject({
  repository: RepositoryPath,
  /** As `git diff` and `git format-patch` write it, of text. */
  patch: z.string().min(1).max(1_000_000),
})
export type GitApply = z.output<typeof Input>

export type ApplyBefore = Before & FilesBefore & { applied: boolean }

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
    return keepFiles(files, context, (met) => ({ state: `files:${hashOf(met)}`, applied }))
  },
  refuse(input, context) {
    for (const [path, { fresh }] of patched(input, context).files) {
      if (fresh) refusePut(atRoot(context), path)
      else refuseRemoval(atRoot(context), path)
    }
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { applied }) => applied,
  postcondition: () => ({ kind: 'own_observation' }),
  async observe(_, context, before) {
    const other = await unfinishedFile(before, context)
    if (other !== undefined) return failed(`${other} is not as the patch leaves it`)
    const count = Object.keys(changesOf(before, context)).length
    return verified(`each of ${count} files has the bytes and the mode that the patch gives it`)
  },
  async execute(_, context, before) {
    const paths = await changeFiles(before, context)
    const text = `patched ${counted(paths.length, 'file')}`
    return { claimed: text, result: { text, data: { paths } } }
  },
  compensate: async (_, context, before) => bringFilesBack(before, context),
  targetState: async (_, context, before) => filesState(before, context, 'the patch'),
  /** Of the very lines that change, wherever the patch says that they are. */
  diff(input, context) {
    const text = ({ bytes }: FileContent) => bytes.toString()
    const diffs = [...patched(input, context).files].flatMap(
      ([path, { old, fresh }]) => unifiedDiff(path, old && text(old), fresh && text(fresh)) ?? [],
    )
    return diffs.length === 0 ? undefined : diffs.join('\n')
  },
}

interface Patched {
  /** By path below the workspace's root. */
  readonly files: FileChanges
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

function placed(bytes: Buffer, hunks: FilePatch['hunks'], path: string): Buffer {
  try {
    return applyHunks(bytes, hunks)
  } catch (error) {
    throw error instanceof DeedError ? new DeedError(error.code, `${path}: ${error.message}`) : error
  }
}
