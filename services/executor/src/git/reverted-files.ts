/**
 * What reverting a commit makes of the files that it changed: a merge of the files as they are with those before the
 * commit, the commit itself being what both come from. Nothing is written, and nothing of the repository is run.
 */
import { createHash } from 'node:crypto'
import { DeedError } from '@deed/proto/errors'
import { type FileChanges, madeNow } from '../files/file-changes.ts'
import { type FileContent, readRegularFile } from '../files/regular-file.ts'
import type { Context } from '../kind/kind.ts'
import { refuseProtected } from '../workspace/workspace.ts'
import { mergeLines } from './merge-lines.ts'
import { readCommit, refuseUnseen, statusOf, subjectOf } from './own-commit.ts'
import type { Repository } from './repository.ts'

const FILES_MAX = 1_000

/** A file in a commit; `undefined`: there is none. */
interface Stored {
  readonly mode: string
  readonly id: string
}

export interface Reverted {
  /** The first line of the message of the commit. */
  readonly subject: string
  /** Of the files that change, by path below the workspace's root. */
  readonly files: FileChanges
}

/**
 * @param commit a hash
 * @throws {DeedError} `invalid_request` for a merge; `precondition_failed` where a file was changed since in the same place
 */
export async function revertedFiles(repository: Repository, commit: string, context: Context): Promise<Reverted> {
  const { parents, message } = await readCommit(repository, commit)
  if (parents.length > 1)
    throw refused('invalid_request', `${short(commit)} is a merge; revert the commits that it brought in, one by one`)
  const ancestor = await repository.git(['merge-base', '--is-ancestor', commit, 'HEAD'], { codes: [0, 1] })
  if (ancestor.code !== 0) throw refused('precondition_failed', `${short(commit)} is not in the history of HEAD`)
  const changed = await changesBy(repository, commit, parents[0])
  const paths = [...changed.keys()]
  if (paths.length === 0) throw refused('precondition_failed', `${short(commit)} changes no file`)
  if (paths.length > FILES_MAX) throw refused('limit_exceeded', `${short(commit)} changes more than ${FILES_MAX} files`)
  await refuseUnseen(repository, paths, '$.input.commit')
  const [uncommitted] = (await statusOf(repository, paths)).split('\0')
  if (uncommitted)
    throw refused(
      'precondition_failed',
      `${uncommitted.slice(3)} has changes that are in no commit; commit them or take them back first`,
    )
  return { subject: subjectOf(message), files: await merged(repository, changed, context) }
}

type Changed = ReadonlyMap<string, { was: Stored | undefined; is: Stored | undefined }>

async function changesBy({ git }: Repository, commit: string, parent: string | undefined): Promise<Changed> {
  const between = parent === undefined ? ['--root', '--no-commit-id', commit] : [parent, commit]
  const { stdout } = await git(['diff-tree', '-r', '-z', '--no-renames', ...between])
  const changed = new Map<string, { was: Stored | undefined; is: Stored | undefined }>()
  const parts = stdout.split('\0')
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [oldMode = '', mode = '', oldId = '', id = ''] = parts[at]!.slice(1).split(' ')
    const path = parts[at + 1]!
    changed.set(path, { was: stored(oldMode, oldId, path), is: stored(mode, id, path) })
  }
  return changed
}

const REGULAR: Readonly<Record<string, number>> = { '100644': 0o644, '100755': 0o755 }

function stored(mode: string, id: string, path: string): Stored | undefined {
  if (mode === '000000') return undefined
  if (mode in REGULAR) return { mode, id }
  throw refused('invalid_request', `${path} is a symbolic link or a repository of its own; revert this commit by hand`)
}

async function merged(repository: Repository, changed: Changed, { world }: Context): Promise<FileChanges> {
  const { workspace } = repository
  const heads = await filesAt(repository, 'HEAD', [...changed.keys()])
  const contents = await contentsOf(repository, changed)
  const files = new Map<string, { old: FileContent | undefined; fresh: FileContent | undefined }>()
  for (const [path, { was, is }] of changed) {
    const segments = [...workspace.base, ...path.split('/')]
    const head = heads.get(path)
    if (alike(head, was)) continue
    refuseProtected(workspace, segments, world.protectedFiles)
    const old = readRegularFile(workspace, segments)
    if (head && (!old || idOf(old.bytes, head.id) !== head.id))
      throw refused(
        'precondition_failed',
        `git stores other bytes of ${path} than the file has; revert this commit by hand`,
      )
    if (!head && old) throw refused('precondition_failed', `${path} is there, and in no commit`)
    const fresh = mergedFile(path, { head, was, is, old, contents })
    // Somebody has taken it back already, and changed something else.
    if (old && fresh && old.mode === fresh.mode && old.bytes.equals(fresh.bytes)) continue
    files.set(segments.join('/'), { old, fresh })
  }
  return files
}

interface Sides {
  readonly head: Stored | undefined
  readonly was: Stored | undefined
  readonly is: Stored | undefined
  readonly old: FileContent | undefined
  readonly contents: ReadonlyMap<string, Buffer>
}

function mergedFile(path: string, { head, was, is, old, contents }: Sides): FileContent | undefined {
  if (!was || !is || !head || !old) {
    if (!alike(head, is)) throw conflict(path)
    return was && { ...madeNow(), mode: REGULAR[was.mode]!, bytes: contents.get(was.id)! }
  }
  const executable = head.mode === is.mode ? was.mode === '100755' : head.mode === '100755'
  const mode = executable ? old.mode | ((old.mode & 0o444) >> 2) : old.mode & ~0o111
  return { ...old, mode, mtime: Date.now(), bytes: mergedBytes(path, { head, was, is, old, contents }) }
}

function mergedBytes(
  path: string,
  { head, was, is, old, contents }: { [Side in keyof Sides]: NonNullable<Sides[Side]> },
) {
  if (head.id === is.id) return contents.get(was.id)!
  if (head.id === was.id || is.id === was.id) return old.bytes
  const texts = [contents.get(is.id)!, old.bytes, contents.get(was.id)!] as const
  if (texts.some((bytes) => bytes.includes(0))) throw conflict(path)
  // Byte by byte: whatever the encoding, its line breaks are these.
  const [base, ours, theirs] = texts.map((bytes) => bytes.toString('latin1')) as [string, string, string]
  const text = mergeLines(base, ours, theirs)
  if (text === undefined) throw conflict(path)
  return Buffer.from(text, 'latin1')
}

const conflict = (path: string) =>
  refused('precondition_failed', `${path} was changed since in the same place; nothing was reverted`)

/** The files of a commit at these paths. */
export async function filesAt(
  { git }: Repository,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Stored>> {
  const { stdout } = await git(['ls-tree', '-z', commit, '--', ...paths])
  return new Map(
    stdout
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => {
        const [, mode = '', , id = '', path = ''] = /^(\d+) (\w+) (\w+)\t(.*)$/s.exec(line) ?? []
        return [path, { mode, id }]
      }),
  )
}

/** The bytes of each file before the commit and with it, by their hash in git. */
async function contentsOf({ git }: Repository, changed: Changed): Promise<ReadonlyMap<string, Buffer>> {
  const ids = new Set(
    [...changed.values()].flatMap(({ was, is }) => [was?.id, is?.id]).filter((id) => id !== undefined),
  )
  const { bytes } = await git(['cat-file', '--batch'], { stdin: [...ids].map((id) => `${id}\n`).join('') })
  const contents = new Map<string, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\n', at)
    const [id = '', type, size] = bytes.toString('latin1', at, end).split(' ')
    if (type !== 'blob') throw refused('effect_failed', `git has no content of ${id}`)
    contents.set(id, bytes.subarray(end + 1, end + 1 + Number(size)))
    at = end + 1 + Number(size) + 1
  }
  return contents
}

/** What git calls these bytes. @param like a hash of the same repository: they are of SHA-1 or of SHA-256 */
export const idOf = (bytes: Uint8Array, like: string): string =>
  createHash(like.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex')

const alike = (one: Stored | undefined, other: Stored | undefined): boolean =>
  one?.id === other?.id && one?.mode === other?.mode

const short = (commit: string) => commit.slice(0, 12)

const refused = (code: ConstructorParameters<typeof DeedError>[0], why: string) =>
  new DeedError(code, why, { path: '$.input.commit' })
