/** git.diff: what differs between a commit and the files, or between two commits, as a unified diff. */
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { redact } from '@deed/telemetry/redact'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readAgain, readingOnly } from '../kind/reading-only.ts'
import { unseenAmong } from './own-commit.ts'
import { CommitName, openRepository, pathIn, type Repository, RepositoryPath, resolveCommit } from './repository.ts'

const Input = z.strictObject({
  repository: RepositoryPath,
  from: CommitName.default('HEAD'),
  /** Absent: the files as they are, those that git does not know left out. */
  to: CommitName.optional(),
  /** Only what differs in it; below the repository. */
  path: z.string().min(1).max(4096).optional(),
})
export type GitDiff = z.output<typeof Input>

/** A result has at most 65,536 characters of text. */
const DIFF_CHARS_MAX = 60_000
const FILES_MAX = 500

export const gitDiff: Kind<GitDiff> = {
  ...readingOnly,
  name: 'git.diff',
  version: 1,
  input: Input,
  example: { repository: '.', from: 'HEAD' },
  summary: ({ repository, from, to, path }) => `read how ${path ?? repository} differs ${between(from, to)}`,
  before: async () => ({ state: 'read' }),
  postcondition: () => ({ kind: 'same_again' }),
  execute: (input, context) => read(input, context),
  again: async (input, context, first) => readAgain(first, await read(input, context)),
}

const between = (from: string, to: string | undefined) =>
  to === undefined ? `from ${from}` : `between ${from} and ${to}`

// Everything that would start a program of the configuration, or print something else than a plain diff, is off.
const DIFF = [
  ...['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--no-renames', '--ignore-submodules=all'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '--submodule=short', '--unified=3'],
]

async function read({ repository: given, from, to, path }: GitDiff, context: Context): Promise<Effect> {
  const repository = await openRepository(given, context)
  const commits = [await commitOf(repository, from, 'from'), ...(to ? [await commitOf(repository, to, 'to')] : [])]
  const what = [...commits, '--', ...(path === undefined ? [] : [pathIn(repository, path)])]
  const counts = (await repository.git([...DIFF, '--numstat', '-z', ...what])).stdout
  const files = counts.split('\0').flatMap((line) => {
    const [added = '', removed = '', name = ''] = line.split('\t')
    // Of binary files git counts no lines.
    return name === '' ? [] : [{ path: name, added: Number(added) || 0, removed: Number(removed) || 0 }]
  })
  const { bytes, stdout } = await repository.git([...DIFF, ...what])
  // Secrets go before it is cut: half of one is not known any more.
  const whole = redact(stdout)
  const truncated = whole.length > DIFF_CHARS_MAX
  const diff = truncated ? `${whole.slice(0, DIFF_CHARS_MAX)}\n... and more than is shown` : whole
  const sum = (which: 'added' | 'removed') => files.reduce((total, file) => total + file[which], 0)
  const difference =
    files.length === 0
      ? 'nothing differs'
      : `${counted(files.length, 'file')} with +${sum('added')} -${sum('removed')} lines`
  const unseen = to === undefined ? (await unseenAmong(repository, what.slice(2))).map((one) => one.path) : []
  const blind = unseen.length === 0 ? '' : `; git is set to ignore changes of ${unseen.slice(0, 20).join(', ')}`
  const claimed = `${difference} ${between(from, to)}${blind}`
  return {
    claimed,
    result: {
      text: diff === '' ? claimed : `${claimed}\n${diff.trimEnd()}`,
      data: { files: files.slice(0, FILES_MAX), file_count: files.length, truncated },
    },
    facts: { files: files.length, sha256: sha256(bytes) },
  }
}

async function commitOf(repository: Repository, name: string, field: 'from' | 'to'): Promise<string> {
  const commit = await resolveCommit(repository, name)
  if (commit !== undefined) return commit
  throw new DeedError('not_found', `there is no commit ${name}`, { path: `$.input.${field}` })
}
