/**
 * git.apply: a patch of any number of files of a repository, by git, which takes all of it or nothing. Undone by bringing
 * back the bytes and modes of each, and removing what it made.
 */

import { fstatSync } from 'node:fs'
import { canonicalJson } from '@deed/mesh/canonical-json'
import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { missingFolders, openFolder } from '../files/folder.ts'
import { readRegularFile, removeEmptyFolders } from '../files/regular-file.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import { bringBack, type Changes, type Entry, sameEntry } from '../files/tree.ts'
import { refuseProtected, segmentsOf } from '../files/workspace.ts'
import { openRepository, type Repository, RepositoryPath } from '../git/repository.ts'
import { failed, verified } from '../seen.ts'
import type { Before, Context, Kind, Standing } from './kind.ts'

const FILES_MAX = 1_000

const Input = z.strictObject({
  repository: RepositoryPath,
  /** As `git diff --no-renames` writes it. */
  patch: z.string().min(1).max(1_000_000),
})
export type GitApply = z.output<typeof Input>

type Known = Record<string, Entry | null>

export type ApplyBefore = Before & {
  /** The hash under which each path is kept as it was. */
  known: string
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
  applied: boolean
}

export type ApplyAfter = { known: string }

export const gitApply: Kind<GitApply, ApplyBefore, ApplyAfter> = {
  name: 'git.apply',
  version: 1,
  input: Input,
  idempotent: false,
  example: { repository: '.', patch: '--- a/notes.md\n+++ b/notes.md\n@@ -1 +1 @@\n-# Today\n+# Tomorrow\n' },
  effectOf: () => 'change',
  summary: ({ patch }) => `apply a patch of ${patch.length} characters`,
  async before({ repository: path, patch }, context) {
    const repository = await openRepository(path, context)
    const paths = await pathsOf(repository, patch, context)
    const applied = !(await fits(repository, patch))
    if (applied && !(await fits(repository, patch, '--reverse'))) throw await refusalOf(repository, patch)
    const missing = new Set(paths.flatMap((one) => missingFolders(repository.workspace, one.split('/').slice(0, -1))))
    const known = await read(context, repository, paths)
    const kept = await context.world.blobs.keep(Buffer.from(canonicalJson(known)))
    return { state: `files:${kept}`, known: kept, missing: [...missing].sort(), applied }
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { applied }) => applied,
  postcondition: () => ({ kind: 'own_look' }),
  async observe({ repository: path, patch }, context) {
    const repository = await openRepository(path, context)
    if (await fits(repository, patch, '--reverse')) return verified('every hunk is in place: the reverse of it fits')
    return failed('not every hunk is in place: the reverse of it does not fit')
  },
  async execute({ repository: path, patch }, context, before) {
    const repository = await openRepository(path, context)
    const paths = await pathsOf(repository, patch, context)
    if (canonicalJson(await read(context, repository, paths)) !== canonicalJson(keptIn(context, before.known)))
      throw new DeedError('precondition_failed', 'somebody has changed one of the files just now; plan again')
    context.begin()
    await repository.git(['apply', '--whitespace=nowarn', '-'], { stdin: patch })
    crashPoint('executor.mid_effect')
    const known = await context.world.blobs.keep(Buffer.from(canonicalJson(await read(context, repository, paths))))
    const text = `patched ${paths.length} ${paths.length === 1 ? 'file' : 'files'}`
    return { claimed: text, result: { text, data: { paths } }, after: { known } }
  },
  async compensate({ repository: path, patch }, context, before) {
    const repository = await openRepository(path, context)
    const was = keptIn(context, before.known)
    const is = await read(context, repository, await pathsOf(repository, patch, context))
    const changes: Changes = {}
    for (const one of Object.keys(was)) {
      if (sameEntry(was[one] ?? null, is[one] ?? null)) continue
      // A folder that the patch has made goes only when nobody has put anything else there.
      if (is[one]?.type !== 'dir') changes[one] = { was: was[one] ?? null, is: is[one] ?? null }
    }
    context.begin()
    await bringBack(context.workspace, context.world.blobs, changes, temporaryNameOf(context.actionId))
    await removeEmptyFolders(context.workspace, before.missing)
    return `brought back ${Object.keys(changes).length} changed paths`
  },
  async standing({ repository: path, patch }, context, before, after): Promise<Standing> {
    const repository = await openRepository(path, context)
    const was = filesOf(keptIn(context, before.known))
    const now = filesOf(await read(context, repository, await pathsOf(repository, patch, context)))
    const is = after && filesOf(keptIn(context, after.known))
    const paths = Object.keys(was)
    if (paths.every((one) => sameEntry(now[one] ?? null, was[one] ?? null)))
      return { at: 'before', observed: `each of the ${paths.length} files is as it was` }
    if (!is) return { at: 'unknown', observed: 'some of the files are not as they were' }
    const foreign = paths.filter(
      (one) => !sameEntry(now[one] ?? null, was[one] ?? null) && !sameEntry(now[one] ?? null, is[one] ?? null),
    )
    if (foreign.length === 0) return { at: 'after', observed: 'some of the files are as the patch left them' }
    const more = foreign.length === 1 ? '' : ` and ${foreign.length - 1} more`
    return {
      at: 'elsewhere',
      observed: `somebody has changed ${foreign[0]}${more} since`,
      kept: foreign.flatMap((one) => {
        const old = was[one]
        return old?.type === 'file' ? { path: one, sha256: old.sha256 } : []
      }),
    }
  },
  diff: ({ patch }) => patch,
}

/** The files that a patch names, as paths below the workspace's root. */
async function pathsOf({ git, workspace }: Repository, patch: string, { world }: Context): Promise<string[]> {
  if (/^(?:rename|copy) (?:from|to) /m.test(patch))
    throw new DeedError('invalid_request', 'the patch renames or copies files; make it with git diff --no-renames')
  if (/^(?:(?:new|deleted) file mode|(?:old|new) mode|index \S+) 1[26]0000$/m.test(patch))
    throw new DeedError('invalid_request', 'the patch makes or changes a symbolic link or a submodule')
  const { code, stdout, stderr } = await git(['apply', '--numstat', '-z', '-'], { stdin: patch, codes: [0, 1, 128] })
  if (code !== 0) throw new DeedError('invalid_request', `git cannot read the patch: ${stderr.trim().slice(0, 500)}`)
  const named = stdout.split('\0').flatMap((line) => (line === '' ? [] : line.split('\t').slice(2).join('\t')))
  if (named.length === 0 || named.length > FILES_MAX)
    throw new DeedError('invalid_request', `the patch names ${named.length} files; it may be 1 to ${FILES_MAX}`)
  return named.map((path) => {
    const segments = segmentsOf(workspace, path)
    refuseProtected(workspace, segments, world.protectedFiles)
    return segments.join('/')
  })
}

const fits = async ({ git }: Repository, patch: string, ...more: string[]): Promise<boolean> =>
  (await git(['apply', '--check', ...more, '-'], { stdin: patch, codes: [0, 1] })).code === 0

async function refusalOf({ git }: Repository, patch: string): Promise<DeedError> {
  const { stderr } = await git(['apply', '--check', '-'], { stdin: patch, codes: [0, 1] })
  return new DeedError('precondition_failed', `the patch does not fit: ${stderr.trim().slice(0, 1_000)}`)
}

/** Each path and the folders above it, as they are now; the bytes of files are kept. */
async function read({ world }: Context, { workspace }: Repository, paths: readonly string[]): Promise<Known> {
  const top = { root: workspace.root, base: [] }
  const known: Known = {}
  for (const path of paths) {
    const segments = path.split('/')
    for (let depth = workspace.base.length + 1; depth < segments.length; depth++) {
      const folder = segments.slice(0, depth)
      known[folder.join('/')] ??= dirEntry(top, folder)
    }
    const file = readRegularFile(top, segments)
    known[path] = file ? { type: 'file', mode: file.mode, sha256: await world.blobs.keep(file.bytes) } : null
  }
  return known
}

function dirEntry(workspace: Parameters<typeof openFolder>[0], segments: readonly string[]): Entry | null {
  using folder = openFolder(workspace, segments)
  return folder ? { type: 'dir', mode: fstatSync(folder.fd).mode & 0o7777 } : null
}

const keptIn = ({ world }: Context, hash: string): Known => JSON.parse(world.blobs.get(hash).toString()) as Known

const filesOf = (known: Known): Known =>
  Object.fromEntries(Object.entries(known).filter(([, entry]) => entry?.type !== 'dir'))
