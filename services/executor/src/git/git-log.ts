/** git.log: the newest commits that lead to one, or those of them that changed a path. */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readAgain, readingOnly } from '../kind/reading-only.ts'
import { CommitName, openRepository, pathIn, RepositoryPath, resolveCommit } from './repository.ts'

const COMMITS_MAX = 200
const SUBJECT_CHARS_MAX = 200

const Input = z.strictObject({
  repository: RepositoryPath,
  from: CommitName.default('HEAD'),
  /** Only commits that changed it; below the repository. */
  path: z.string().min(1).max(4096).optional(),
  max: z.int().min(1).max(COMMITS_MAX).default(20),
})
export type GitLog = z.output<typeof Input>

export const gitLog: Kind<GitLog> = {
  ...readingOnly,
  name: 'git.log',
  version: 1,
  input: Input,
  example: { repository: '.', max: 20 },
  summary: ({ repository, from, path, max }) =>
    `read up to ${counted(max, 'commit')} of ${path ?? repository} that lead to ${from}`,
  before: async () => ({ state: 'read' }),
  postcondition: () => ({ kind: 'same_again' }),
  execute: (input, context) => read(input, context),
  again: async (input, context, first) => readAgain(first, await read(input, context)),
}

// Hash, author, time in ISO 8601, subject.
const FORMAT = '--format=%H%x1f%an%x1f%aI%x1f%s'
const LOG = ['log', '-z', FORMAT, '--encoding=UTF-8', '--no-show-signature', '--no-mailmap', '--no-patch', '--no-color']

async function read({ repository: given, from, path, max }: GitLog, context: Context): Promise<Effect> {
  const repository = await openRepository(given, context)
  const commit = await resolveCommit(repository, from)
  if (commit === undefined) throw new DeedError('not_found', `there is no commit ${from}`, { path: '$.input.from' })
  const below = path === undefined ? [] : [pathIn(repository, path)]
  // A single path that the configuration asks to follow would be followed through renames.
  const { stdout } = await repository.git([...LOG, '--no-follow', `--max-count=${max}`, commit, '--', ...below])
  const commits = stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [hash = '', author = '', at = '', subject = ''] = line.split('\x1f')
      return { commit: hash, author, at, subject: subject.slice(0, SUBJECT_CHARS_MAX) }
    })
  const lines = commits.map((one) => `${one.commit.slice(0, 12)} ${one.at.slice(0, 10)} ${one.author}: ${one.subject}`)
  const text = lines.length === 0 ? `no commit has changed ${path}` : lines.join('\n')
  return { claimed: text, result: { text, data: { commits } }, facts: { head: commit, commits: commits.length } }
}
