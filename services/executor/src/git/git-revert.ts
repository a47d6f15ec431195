/**
 * git.revert: takes back what one commit changed, by a new commit on the branch that HEAD is on. Where a file was changed
 * since in the same place, nothing is done. Undone by bringing back the files, setting the branch back, and the index.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import {
  atRoot,
  bringFilesBack,
  changeFiles,
  changesOf,
  type FilesBefore,
  filesState,
  keepFiles,
  unfinishedFile,
} from '../files/file-changes.ts'
import { refusePut, refuseRemoval } from '../files/refuse-unchangeable.ts'
import type { Context, Kind, TargetState } from '../kind/kind.ts'
import { failed, type Seen, verified } from '../kind/seen.ts'
import { refuseForsakenLock } from './index-file.ts'
import {
  Author,
  beforeCommit,
  type CommitAfter,
  type CommitBefore,
  commitState,
  isOwn,
  Message,
  makeCommit,
  refuseUnfinished,
  statusOf,
  takeCommitBack,
} from './own-commit.ts'
import { CommitName, openRepository, type Repository, RepositoryPath, resolveCommit } from './repository.ts'
import { filesAt, idOf, revertedFiles } from './reverted-files.ts'

const Input = z.strictObject({
  repository: RepositoryPath,
  commit: CommitName.default('HEAD'),
  /** Absent: as git words it. */
  message: Message.optional(),
  author: Author,
})
export type GitRevert = z.output<typeof Input>

export type RevertBefore = CommitBefore &
  FilesBefore & {
    /** The hash of the commit that is reverted. */
    commit: string
    /** The first line of its message. */
    subject: string
  }

export const gitRevert: Kind<GitRevert, RevertBefore, CommitAfter> = {
  name: 'git.revert',
  version: 1,
  input: Input,
  idempotent: true,
  example: { repository: '.', commit: 'HEAD' },
  effectOf: () => 'change',
  summary: ({ commit }, before) =>
    before
      ? `revert ${before.commit.slice(0, 12)} (${before.subject}) by a new commit`
      : `revert ${commit} by a new commit`,
  async before(input, context) {
    const repository = await openRepository(input.repository, context)
    refuseUnfinished(repository)
    const commit = await resolveCommit(repository, input.commit)
    if (commit === undefined)
      throw new DeedError('not_found', `there is no commit ${input.commit}`, { path: '$.input.commit' })
    const { files, subject } = await revertedFiles(repository, commit, context)
    const met = await beforeCommit(repository, context, files.size > 0)
    return keepFiles(files, context, () => ({ ...met, commit, subject }))
  },
  refuse({ repository }, context, before) {
    refuseForsakenLock(context.workspace, repository)
    refusePut(context.workspace, `${repository}/.git/index`)
    for (const [path, { is }] of Object.entries(changesOf(before, context))) {
      if (is) refusePut(atRoot(context), path)
      else refuseRemoval(atRoot(context), path)
    }
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { differs }) => !differs,
  postcondition: () => ({ kind: 'own_observation' }),
  async observe(input, context, before) {
    const repository = await openRepository(input.repository, context)
    if (before.differs) return observeRevert(repository, input, context, before)
    const { files } = await revertedFiles(repository, before.commit, context)
    if (files.size > 0) return failed(`${[...files.keys()][0]} is not as it was before the commit`)
    return verified(`nothing of ${before.commit} is left: each file that it changed is as it was before`)
  },
  async execute(input, context, before) {
    const repository = await openRepository(input.repository, context)
    const paths = pathsOf(repository, context, before)
    const stage = (env: Readonly<Record<string, string>>) =>
      repository.git(['update-index', '--add', '--remove', '--replace', '-z', '--stdin'], {
        env,
        stdin: [...paths.keys()].map((path) => `${path}\0`).join(''),
      })
    const change = async () => void (await changeFiles(before, context))
    const after = await makeCommit(repository, { text: textOf(input, before), change, stage }, context, before)
    const text = `reverted ${before.commit.slice(0, 12)} (${before.subject}) by ${after.commit.slice(0, 12)}: ${counted(paths.size, 'file')}`
    const data = { commit: after.commit, reverted: before.commit, parent: before.head, paths: [...paths.keys()] }
    return { claimed: text, result: { text, data }, after }
  },
  async compensate(input, context, before) {
    const taken = await takeCommitBack(await openRepository(input.repository, context), context, before)
    return `${taken}; ${await bringFilesBack(before, context)}`
  },
  async targetState(input, context, before, after): Promise<TargetState> {
    const repository = await openRepository(input.repository, context)
    const files = await filesState(before, context, 'the revert')
    if (files.at === 'elsewhere') return files
    const commit = await commitState(repository, textOf(input, before), before, after)
    const observed = `${commit.observed}; ${files.observed}`
    return { at: commit.at === 'before' ? files.at : commit.at, observed }
  },
}

const textOf = ({ message, author }: GitRevert, { commit, subject }: RevertBefore) => ({
  message: message ?? `Revert "${subject}"\n\nThis reverts commit ${commit}.`,
  author,
})

/** By path below the repository, its path below the workspace's root. */
function pathsOf({ workspace }: Repository, context: Context, before: RevertBefore): Map<string, string> {
  const depth = workspace.base.length
  return new Map(Object.keys(changesOf(before, context)).map((path) => [path.split('/').slice(depth).join('/'), path]))
}

/** The commit by its parent, date and message; what it holds of each file by the hash of the bytes; the files themselves. */
async function observeRevert(
  repository: Repository,
  input: GitRevert,
  context: Context,
  before: RevertBefore,
): Promise<Seen> {
  const head = await resolveCommit(repository, 'HEAD')
  const facts = { commit: head ?? null }
  if (head === undefined || !(await isOwn(repository, head, textOf(input, before), before)))
    return failed(`HEAD is at ${head}, which is not this revert`, facts)
  const paths = pathsOf(repository, context, before)
  const listed = await repository.git(['diff-tree', '-r', '-z', '--no-renames', '--name-only', before.head!, head])
  const changed = listed.stdout.split('\0').filter((path) => path !== '')
  const other = changed.find((path) => !paths.has(path))
  if (other !== undefined) return failed(`the commit changes ${other} besides`, facts)
  const stored = await filesAt(repository, head, [...paths.keys()])
  const changes = changesOf(before, context)
  for (const [path, below] of paths) {
    const { is } = changes[below]!
    const bytes = is?.type === 'file' ? context.world.blobs.get(is.sha256) : undefined
    if (stored.get(path)?.id !== (bytes && idOf(bytes, head)))
      return failed(`the commit has other bytes of ${path} than before the reverted one`, facts)
  }
  const unfinished = await unfinishedFile(before, context)
  if (unfinished !== undefined) return failed(`${unfinished} is not as the revert leaves it`, facts)
  const [status = ''] = (await statusOf(repository, [...paths.keys()])).split('\0')
  if (status !== '') return failed(`not all of it is in the commit: ${status}`, facts)
  return verified(
    `HEAD is at ${head}, whose parent, message and date are this action's; each of ${counted(paths.size, 'file')} has in it, and on disk, the bytes without ${before.commit}`,
    facts,
  )
}
