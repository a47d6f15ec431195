/**
 * git.commit: the named paths, as they are in the workspace, in one commit on the branch that HEAD is on. What else is
 * staged stays staged. Undone by setting the branch back, and the index with it; no file is touched.
 *
 * The commit is a function of the action: its date is that of the first look. So an attempt that takes over makes the
 * very same one, and knows it when it is there.
 */
import { sha256 } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { openFolder } from '../files/folder.ts'
import { refusePut } from '../files/refuse-unchangeable.ts'
import { readRegularFile } from '../files/regular-file.ts'
import type { Before, Kind } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { segmentsOf } from '../workspace/workspace.ts'
import { lockIndex, readIndex, refuseForsakenLock } from './index-file.ts'
import { headBranch, moveRef, openRepository, type Repository, RepositoryPath, resolveCommit } from './repository.ts'

const Name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^<>\n\0]+$/)

const Input = z.strictObject({
  repository: RepositoryPath,
  message: z
    .string()
    .min(1)
    .max(65_536)
    .regex(/^[^\0]*\S[^\0]*$/),
  /** Below the repository; a folder stands for what is in it. */
  paths: z.array(z.string().min(1).max(4096)).min(1).max(1_000),
  /** Absent: as the repository's own configuration says, or Deed. */
  author: z.strictObject({ name: Name, email: Name }).optional(),
})
export type GitCommit = z.output<typeof Input>

export type CommitBefore = Before & {
  /** null: there is none yet. */
  head: string | null
  /** The branch that HEAD is on; null: on none. */
  branch: string | null
  /** The hash under which the index is kept; null: there is none. */
  index: string | null
  /** Of what the index lists. */
  listing: string
  /** Whether any of the paths differs from the commit. */
  differs: boolean
  /** The commit's date, in seconds since 1970. */
  at: number
}

export type CommitAfter = { commit: string; listing: string }

export const gitCommit: Kind<GitCommit, CommitBefore, CommitAfter> = {
  name: 'git.commit',
  version: 1,
  input: Input,
  idempotent: true,
  example: { repository: '.', message: 'docs: say what the service does', paths: ['README.md'] },
  effectOf: () => 'change',
  summary: ({ message, paths }) => `commit ${paths.join(', ')}: ${message.split('\n')[0]}`,
  async before({ repository: path, paths }, context) {
    const repository = await openRepository(path, context)
    refuseUnfinished(repository)
    const listed = pathsIn(repository, paths)
    for (const one of listed) await refuseUnknown(repository, one)
    await refuseUnseen(repository, listed)
    const head = (await resolveCommit(repository, 'HEAD')) ?? null
    const index = readIndex(repository)
    return {
      state: head ?? 'unborn',
      head,
      branch: (await headBranch(repository)) ?? null,
      index: index ? await context.world.blobs.keep(index) : null,
      listing: await listingOf(repository),
      differs: (await statusOf(repository, listed)) !== '',
      at: Math.floor(Date.now() / 1_000),
    }
  },
  refuse({ repository }, { workspace }) {
    refuseForsakenLock(workspace, repository)
    refusePut(workspace, `${repository}/.git/index`)
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { differs }) => !differs,
  postcondition: () => ({ kind: 'own_look' }),
  async observe(input, context, before) {
    const repository = await openRepository(input.repository, context)
    const head = await resolveCommit(repository, 'HEAD')
    const status = await statusOf(repository, pathsIn(repository, input.paths))
    const first = status.split('\0')[0]
    if (status !== '') return failed(`not all of it is in the commit: ${first}`, { commit: head ?? null })
    if (!before.differs) return verified('the paths are as the commit has them', { commit: head ?? null })
    if (head === undefined || !(await isOwn(repository, head, input, before)))
      return failed(`HEAD is at ${head}, which is not this commit`, { commit: head ?? null })
    return verified(`HEAD is at ${head}, whose parent, message and date are this action's, and no path differs`, {
      commit: head,
    })
  },
  async execute(input, context, before) {
    const repository = await openRepository(input.repository, context)
    const paths = pathsIn(repository, input.paths)
    using index = lockIndex(repository, context.actionId)
    const env = { GIT_INDEX_FILE: index.next }
    const add = () => repository.git(['add', '-A', '--', ...paths], { env })
    await repository.git(before.head === null ? ['read-tree', '--empty'] : ['read-tree', before.head], { env })
    await add()
    const tree = (await repository.git(['write-tree'], { env })).stdout.trim()
    const commit = await makeCommit(repository, tree, input, before)
    if (index.bytes) index.prepare(index.bytes)
    else await repository.git(['read-tree', '--empty'], { env })
    await add()
    const head = (await resolveCommit(repository, 'HEAD')) ?? null
    if (head !== commit) {
      if (head !== before.head || ((await headBranch(repository)) ?? null) !== before.branch)
        throw new DeedError('precondition_failed', 'somebody has moved HEAD just now; plan again')
      context.begin()
      await moveRef(repository, 'HEAD', before.head ?? undefined, commit, `commit: ${subjectOf(input)}`)
    }
    crashPoint('executor.mid_effect')
    context.begin()
    await index.install()
    const text = `committed ${commit.slice(0, 12)}: ${subjectOf(input)}`
    return {
      claimed: text,
      result: { text, data: { commit, parent: before.head } },
      after: { commit, listing: await listingOf(repository) },
    }
  },
  async compensate(input, context, before) {
    const repository = await openRepository(input.repository, context)
    using index = lockIndex(repository, context.actionId)
    const head = await resolveCommit(repository, 'HEAD')
    context.begin()
    if (head !== undefined && head !== before.head)
      await moveRef(repository, 'HEAD', head, before.head ?? undefined, 'undone by Deed')
    crashPoint('executor.mid_effect')
    if (before.index === null) await index.remove()
    else {
      index.prepare(context.world.blobs.get(before.index))
      await index.install()
    }
    return `set ${before.branch ?? 'HEAD'} back to ${before.head?.slice(0, 12) ?? 'no commit'}, and the index with it`
  },
  async targetState(input, context, before, after) {
    const repository = await openRepository(input.repository, context)
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
    if (head === null || !(await isOwn(repository, head, input, before)))
      return { at: 'elsewhere', observed: `${observed}, which somebody has made since` }
    if (after && listing !== after.listing && listing !== before.listing)
      return { at: 'elsewhere', observed: `${observed}, and somebody has staged something since` }
    return { at: 'after', observed }
  },
}

const pathsIn = ({ workspace }: Repository, paths: readonly string[]): string[] =>
  paths.map((path) => {
    const segments = segmentsOf(workspace, path)
    const below = segments.slice(workspace.base.length)
    if (workspace.base.some((segment, i) => segments[i] !== segment))
      throw new DeedError('path_outside_workspace', `${path} is not in the repository`)
    return below.length === 0 ? '.' : below.join('/')
  })

const UNDER_WAY = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD']

function refuseUnfinished({ workspace }: Repository): void {
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

async function refuseUnknown({ git }: Repository, path: string): Promise<void> {
  const { stdout } = await git(['ls-files', '-z', '--stage', '--cached', '--others', '--exclude-standard', '--', path])
  if (stdout === '')
    throw new DeedError('not_found', `git knows nothing at ${path}, or ignores it`, { path: '$.input.paths' })
  // Git would start another git in it, which goes by its configuration and runs the programs that it names.
  const submodule = stdout.split('\0').find((line) => line.startsWith('160000 ') || /^[^\t]*\/$/.test(line))
  const nested = submodule?.split('\t').at(-1)
  if (nested !== undefined)
    throw new DeedError('invalid_request', `${nested} is a repository of its own; commit in it, and name other paths`, {
      path: '$.input.paths',
    })
}

/** What git was told not to look at would neither be committed nor be seen to differ. */
async function refuseUnseen({ git }: Repository, paths: readonly string[]): Promise<void> {
  const { stdout } = await git(['ls-files', '-v', '-z', '--', ...paths])
  const marked = stdout.split('\0').find((line) => /^(?:[a-z]|S) /.test(line))
  if (marked === undefined) return
  const path = marked.slice(2)
  const undo = marked.startsWith('S') ? '--no-skip-worktree' : '--no-assume-unchanged'
  throw new DeedError(
    'precondition_failed',
    `git ignores changes of ${path} here; run \`git update-index ${undo} ${path}\` first`,
    { path: '$.input.paths' },
  )
}

/** What differs at these paths, between the files, the index and the commit; empty: nothing. */
const statusOf = async ({ git }: Repository, paths: readonly string[]): Promise<string> =>
  (await git(['status', '--porcelain', '-z', '--untracked-files=all', '--ignore-submodules=all', '--', ...paths]))
    .stdout

const listingOf = async ({ git }: Repository): Promise<string> => sha256((await git(['ls-files', '-s', '-z'])).stdout)

const subjectOf = ({ message }: GitCommit) => message.trim().split('\n')[0]!

async function makeCommit(
  repository: Repository,
  tree: string,
  input: GitCommit,
  { head, at }: CommitBefore,
): Promise<string> {
  const { name, email } = input.author ?? configuredAuthor(repository)
  const date = `${at} +0000`
  const { stdout } = await repository.git(['commit-tree', tree, ...(head === null ? [] : ['-p', head])], {
    stdin: messageOf(input),
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

const messageOf = ({ message }: GitCommit) => `${message.trim()}\n`

function configuredAuthor({ configuration }: Repository): { name: string; email: string } {
  const [name = '', email = ''] = [configuration.get('user.name'), configuration.get('user.email')]
  return name === '' || email === '' ? { name: 'Deed', email: 'deed@localhost' } : { name, email }
}

/** Whether a commit is the one that this action makes: by its parent, its date and its message. */
async function isOwn(
  { git }: Pick<Repository, 'git'>,
  commit: string,
  input: GitCommit,
  { head, at }: CommitBefore,
): Promise<boolean> {
  const { stdout } = await git(['cat-file', 'commit', commit])
  const [, header = '', message = ''] = /^(.*?)\n\n(.*)$/s.exec(stdout) ?? []
  const parents = [...header.matchAll(/^parent (.*)$/gm)].map(([, parent]) => parent)
  return (
    parents.length === (head === null ? 0 : 1) &&
    (head === null || parents[0] === head) &&
    new RegExp(`^committer .* ${at} \\+0000$`, 'm').test(header) &&
    message === messageOf(input)
  )
}
