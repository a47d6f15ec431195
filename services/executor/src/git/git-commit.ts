/**
 * git.commit: the named paths, as they are in the workspace, in one commit on the branch that HEAD is on. What else is
 * staged stays staged. Undone by setting the branch back, and the index with it; no file is touched.
 */
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { refusePut } from '../files/refuse-unchangeable.ts'
import type { Kind } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
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
  refuseUnseen,
  statusOf,
  subjectOf,
  takeCommitBack,
} from './own-commit.ts'
import { openRepository, pathIn, type Repository, RepositoryPath, resolveCommit } from './repository.ts'

const Input = z.strictObject({
  repository: RepositoryPath,
  message: Message,
  /** Below the repository; a folder stands for what is in it. */
  paths: z.array(z.string().min(1).max(4096)).min(1).max(1_000),
  author: Author,
})
export type GitCommit = z.output<typeof Input>

export const gitCommit: Kind<GitCommit, CommitBefore, CommitAfter> = {
  name: 'git.commit',
  version: 1,
  input: Input,
  idempotent: true,
  example: { repository: '.', message: 'docs: say what the service does', paths: ['README.md'] },
  effectOf: () => 'change',
  summary: ({ message, paths }) => `commit ${paths.join(', ')}: ${subjectOf(message)}`,
  async before({ repository: path, paths }, context) {
    const repository = await openRepository(path, context)
    refuseUnfinished(repository)
    const listed = pathsIn(repository, paths)
    for (const one of listed) await refuseUnknown(repository, one)
    await refuseUnseen(repository, listed, '$.input.paths')
    return beforeCommit(repository, context, (await statusOf(repository, listed)) !== '')
  },
  refuse({ repository }, { workspace }) {
    refuseForsakenLock(workspace, repository)
    refusePut(workspace, `${repository}/.git/index`)
  },
  reversibility: () => 'reversible',
  mayHoldAlready: (_, { differs }) => !differs,
  postcondition: () => ({ kind: 'own_observation' }),
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
    const after = await makeCommit(
      repository,
      { text: input, stage: (env) => repository.git(['add', '-A', '--', ...paths], { env }) },
      context,
      before,
    )
    const text = `committed ${after.commit.slice(0, 12)}: ${subjectOf(input.message)}`
    return { claimed: text, result: { text, data: { commit: after.commit, parent: before.head } }, after }
  },
  compensate: async (input, context, before) =>
    takeCommitBack(await openRepository(input.repository, context), context, before),
  targetState: async (input, context, before, after) =>
    commitState(await openRepository(input.repository, context), input, before, after),
}

const pathsIn = (repository: Repository, paths: readonly string[]): string[] =>
  paths.map((path) => pathIn(repository, path))

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
