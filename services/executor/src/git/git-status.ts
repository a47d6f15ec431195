/** git.status: the branch that HEAD is on, and what differs between the commit, the index and the files. */
import { counted } from '@deed/config/counted'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readAgain, readingOnly } from '../kind/reading-only.ts'
import { unseenAmong } from './own-commit.ts'
import { headBranch, openRepository, RepositoryPath, resolveCommit } from './repository.ts'

const Input = z.strictObject({ repository: RepositoryPath })
export type GitStatus = z.output<typeof Input>

/** Paths that are shown; all are counted. */
const PATHS_MAX = 500
const PATHS_IN_TEXT = 20

export const gitStatus: Kind<GitStatus> = {
  ...readingOnly,
  name: 'git.status',
  version: 1,
  input: Input,
  example: { repository: '.' },
  summary: ({ repository }) => `read the status of the repository ${repository}`,
  before: async () => ({ state: 'read' }),
  postcondition: () => ({ kind: 'same_again' }),
  execute: (input, context) => read(input, context),
  again: async (input, context, first) => readAgain(first, await read(input, context)),
}

const STATUS = ['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=normal', '--ignore-submodules=all']

async function read({ repository: path }: GitStatus, context: Context): Promise<Effect> {
  const repository = await openRepository(path, context)
  const head = (await resolveCommit(repository, 'HEAD')) ?? null
  const branch = (await headBranch(repository))?.replace('refs/heads/', '') ?? null
  const lines = (await repository.git(STATUS)).stdout.split('\0').filter((line) => line !== '')
  const changes = lines.map((line) => ({ path: line.slice(3), index: line[0]!, worktree: line[1]! }))
  const at = `on ${branch ?? 'no branch'} at ${head?.slice(0, 12) ?? 'no commit yet'}`
  const shown = changes.slice(0, PATHS_IN_TEXT).map(({ path: changed, ...states }) => `${wordOf(states)} ${changed}`)
  const more = changes.length > shown.length ? [`and ${changes.length - shown.length} more`] : []
  const unseen = (await unseenAmong(repository, [])).map(({ path: ignored }) => ignored)
  const status =
    changes.length === 0
      ? `${at}: nothing has changed since the commit`
      : [`${at}: ${counted(changes.length, 'path')} changed`, ...shown, ...more].join('\n')
  const blind =
    unseen.length === 0 ? [] : [`git is set to ignore changes of ${unseen.slice(0, PATHS_IN_TEXT).join(', ')}`]
  const text = [status, ...blind].join('\n')
  const data = {
    branch,
    head,
    changes: changes.slice(0, PATHS_MAX),
    change_count: changes.length,
    unseen: unseen.slice(0, PATHS_MAX),
  }
  return { claimed: text, result: { text, data }, facts: { head, changes: changes.length } }
}

const WORDS: Readonly<Record<string, string>> = { M: 'changed', A: 'added', D: 'deleted', T: 'retyped', U: 'unmerged' }

function wordOf({ index, worktree }: { index: string; worktree: string }): string {
  if (index === '?') return 'new'
  const word = WORDS[worktree === ' ' ? index : worktree] ?? 'changed'
  return worktree === ' ' ? `${word} (staged)` : word
}
