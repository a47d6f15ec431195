/**
 * A commit on the branch that HEAD is on, made by an action. What else is staged stays staged.
 *
 * The commit is a function of the action: its date is that of the first observation. So an attempt that takes over makes the
 * very same one, and knows it when it is there.
 */
import { sha256 } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { openFolder } from '../files/folder.ts'
import { readRegularFile } from '../files/regular-file.ts'
import type { Before, Context, TargetState } from '../kind/kind.ts'
import { lockIndex, readIndex } from './index-file.ts'
import { headBranch, moveRef, type Repository, resolveCommit } from './repository.ts'

const Name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^<>\n\0]+$/)

export const Message = z
  .string()
  .min(1)
  .max(65_536)
  .regex(/^[^\0]*\S[^\0]*$/)

/** Absent: as the repository's own configuration says, or Deed. */
export const Author = z.strictObject({ name: Name, email: Name }).optional()

/** What the commit says. */
export interface CommitText {
  readonly message: string
  readonly author?: z.output<typeof Author>
}

export type CommitBefore = Before & {
  /** null: there is none yet. */
  head: string | null
  /** The branch that HEAD is on; null: on none. */
  branch: string | null
  /** The hash under which the index is kept, and when it was written; null: there is none. */
  index: { sha256: string; mtime: number } | null
  /** Of what the index lists. */
  listing: string
  /** Whether there is anything to commit. */
  differs: boolean
  /** The commit's date, in seconds since 1970. */
  at: number
}

export type CommitAfter = { commit: string; listing: string }

/** What is there before the commit. Keeps the index. */
export async function beforeCommit(
  repository: Repository,
  { world }: Context,
  differs: boolean,
): Promise<CommitBefore> {
  const head = (await resolveCommit(repository, 'HEAD')) ?? null
  const index = readIndex(repository)
  return {
    state: head ?? 'unborn',
    head,
    branch: (await headBranch(repository)) ?? null,
    index: index ? { sha256: await world.blobs.keep(index.bytes), mtime: index.mtime } : null,
    listing: await listingOf(repository),
    differs,
    at: Math.floor(Date.now() / 1_000),
  }
}

export interface Committing {
  readonly text: CommitText
  /** Changes files first, while no other git can commit. */
  change?(): Promise<void>
  /** Puts what is to be committed into the index that the environment names. */
  stage(env: Readonly<Record<string, string>>): Promise<unknown>
}

/** @throws {DeedError} `precondition_failed` when somebody has moved HEAD since the first observation */
export async function makeCommit(
  repository: Repository,
  { text, change, stage }: Committing,
  context: Context,
  before: CommitBefore,
): Promise<CommitAfter> {
  using index = lockIndex(repository, context.actionId)
  const head = (await resolveCommit(repository, 'HEAD')) ?? null
  if (change) {
    if (head !== before.head && (head === null || !(await isOwn(repository, head, text, before)))) throw movedHead()
    await change()
  }
  const env = { GIT_INDEX_FILE: index.next }
  await repository.git(before.head === null ? ['read-tree', '--empty'] : ['read-tree', before.head], { env })
  await stage(env)
  const tree = (await repository.git(['write-tree'], { env })).stdout.trim()
  const commit = await commitOf(repository, tree, text, before)
  if (index.now) index.prepare(index.now)
  else await repository.git(['read-tree', '--empty'], { env })
  await stage(env)
  if (head !== commit) {
    if (head !== before.head || ((await headBranch(repository)) ?? null) !== before.branch) throw movedHead()
    context.begin()
    await moveRef(repository, 'HEAD', before.head ?? undefined, commit, `commit: ${subjectOf(text.message)}`)
  }
  crashPoint('executor.mid_effect')
  context.begin()
  await index.install()
  return { commit, listing: await listingOf(repository) }
}

const movedHead = () => new DeedError('precondition_failed', 'somebody has moved HEAD just now; plan again')

/** Sets the branch back, and the index with it. No file is touched. @returns what it did, in a sentence */
export async function takeCommitBack(repository: Repository, context: Context, before: CommitBefore): Promise<string> {
  using index = lockIndex(repository, context.actionId)
  const head = await resolveCommit(repository, 'HEAD')
  context.begin()
  if (head !== undefined && head !== before.head)
    await moveRef(repository, 'HEAD', head, before.head ?? undefined, 'undone by Deed')
  crashPoint('executor.mid_effect')
  if (before.index === null) await index.remove()
  else {
    const { sha256, mtime } = before.index
    index.prepare({ bytes: context.world.blobs.get(sha256), mtime })
    await index.install()
  }
  return `set ${before.branch ?? 'HEAD'} back to ${before.head?.slice(0, 12) ?? 'no commit'}, and the index with it`
}

/** Whether the branch and the index are as they were, as the commit left them, or somebody else's. */
export async function commitState(
  repository: Repository,
  text: CommitText,
  before: CommitBefore,
  after: CommitAfter | undefined,
): Promise<TargetState> {
  const head = (await resolveCommit(repository, 'HEAD')) ?? null
  const branch = (await headBranch(repository)) ?? null
  const listing = await listingOf(repository)
  const observed = `HEAD is at ${head ?? 'no commit'}, on ${branch ?? 'no branch'}`
  if (branch !== before.branch) return { at: 'elsewhere', observed: `${observed}, and was on ${before.branch}` }
  if (head === before.head) {
    // The branch moves first, each time. Who has staged something since did so on what was there before.
    if (listing === before.listing || !after) return { at: 'before', observed }
    if (listing === after.listing) return { at: 'after', observed: `${observed}, with the index of the commit` }
    return { at: 'elsewhere', observed: `${observed}, and somebody has staged something since` }
  }
  if (head === null || !(await isOwn(repository, head, text, before)))
    return { at: 'elsewhere', observed: `${observed}, which somebody has made since` }
  if (after && listing !== after.listing && listing !== before.listing)
    return { at: 'elsewhere', observed: `${observed}, and somebody has staged something since` }
  return { at: 'after', observed }
}

/** Whether a commit is the one that this action makes: by its parent, its date and its message. */
export async function isOwn(
  repository: Pick<Repository, 'git'>,
  commit: string,
  { message }: CommitText,
  { head, at }: CommitBefore,
): Promise<boolean> {
  const found = await readCommit(repository, commit)
  return (
    found.parents.length === (head === null ? 0 : 1) &&
    (head === null || found.parents[0] === head) &&
    new RegExp(`^committer .* ${at} \\+0000$`, 'm').test(found.header) &&
    found.message === messageOf(message)
  )
}

/** A commit object as it is stored. */
export async function readCommit({ git }: Pick<Repository, 'git'>, commit: string) {
  const { stdout } = await git(['cat-file', 'commit', commit])
  const [, header = '', message = ''] = /^(.*?)\n\n(.*)$/s.exec(stdout) ?? []
  const parents = [...header.matchAll(/^parent (.*)$/gm)].map(([, parent = '']) => parent)
  return { header, parents, message }
}

export const subjectOf = (message: string): string => message.trim().split('\n')[0]!

const messageOf = (message: string) => `${message.trim()}\n`

async function commitOf(
  repository: Repository,
  tree: string,
  { message, author }: CommitText,
  { head, at }: CommitBefore,
): Promise<string> {
  const { name, email } = author ?? configuredAuthor(repository)
  const date = `${at} +0000`
  const { stdout } = await repository.git(['commit-tree', tree, ...(head === null ? [] : ['-p', head])], {
    stdin: messageOf(message),
    env: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    },
  })
  return stdout.trim()
}

function configuredAuthor({ configuration }: Repository): { name: string; email: string } {
  const [name = '', email = ''] = [configuration.get('user.name'), configuration.get('user.email')]
  return name === '' || email === '' ? { name: 'Deed', email: 'deed@localhost' } : { name, email }
}

const UNDER_WAY = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD']

/** @throws {DeedError} `precondition_failed` while a merge or the like waits for somebody to end it */
export function refuseUnfinished({ workspace }: Repository): void {
  const inGit = (name: string) => [...workspace.base, '.git', name]
  const file = UNDER_WAY.find((name) => readRegularFile(workspace, inGit(name), { manyNames: true }))
  const folder = ['rebase-merge', 'rebase-apply'].find((name) => {
    using opened = openFolder(workspace, inGit(name))
    return opened !== undefined
  })
  const found = file ?? folder
  if (found !== undefined)
    throw new DeedError('precondition_failed', `a merge or the like is under way here (.git/${found}); end it first`)
}

/** What git is set to ignore would neither be committed nor be seen to differ. @throws {DeedError} `precondition_failed` */
export async function refuseUnseen(repository: Repository, paths: readonly string[], at: string): Promise<void> {
  const [unseen] = await unseenAmong(repository, paths)
  if (unseen === undefined) return
  const { path, mark } = unseen
  throw new DeedError(
    'precondition_failed',
    `git ignores changes of ${path} here; run \`git update-index --no-${mark} ${path}\` first`,
    { path: at },
  )
}

/** Files whose changes git is set to ignore, and by which of its marks. @param paths none: all */
export async function unseenAmong(
  { git }: Repository,
  paths: readonly string[],
): Promise<{ path: string; mark: string }[]> {
  const { stdout } = await git(['ls-files', '-v', '-z', '--', ...paths])
  return stdout
    .split('\0')
    .filter((line) => /^(?:[a-z]|S) /.test(line))
    .map((line) => ({ path: line.slice(2), mark: line.startsWith('S') ? 'skip-worktree' : 'assume-unchanged' }))
}

/** What differs at these paths, between the files, the index and the commit; empty: nothing. */
export const statusOf = async ({ git }: Repository, paths: readonly string[]): Promise<string> =>
  (await git(['status', '--porcelain', '-z', '--untracked-files=all', '--ignore-submodules=all', '--', ...paths]))
    .stdout

const listingOf = async ({ git }: Repository): Promise<string> => sha256((await git(['ls-files', '-s', '-z'])).stdout)
