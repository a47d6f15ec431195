/** What is read of repositories: answers that git gives of something else than the files, and those of every day. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionReply } from '@deed/proto/execution'
import type { Case } from '../case.ts'
import { contentOf } from '../outside.ts'
import { git, needsGit, PATCHED, readGit, repository, repositoryState } from '../repositories.ts'
import { TWISTS } from './git.ts'

const KINDS = ['git.status', 'git.log', 'git.diff'] as const
const textOf = ({ result }: ExecutionReply): string => JSON.stringify(result) ?? ''

/** Whether the answer is true of a repository whose `a.txt` may differ from its commit. */
function isTrue(kind: (typeof KINDS)[number], root: string, reply: ExecutionReply): boolean {
  const text = textOf(reply)
  if (kind === 'git.log') {
    const subject = readGit(root, 'log', '-1', '--format=%s')
    return text.includes(readGit(root, 'rev-parse', 'HEAD')) && text.includes(subject)
  }
  const differs = contentOf(root, 'a.txt')?.trim() !== readGit(root, 'show', 'HEAD:a.txt')
  return !differs || text.includes('a.txt')
}

const twisted = KINDS.flatMap((kind) =>
  TWISTS.map(
    ([says, twist]): Case => ({
      kind,
      says,
      needs: needsGit,
      make({ root }) {
        repository(root)
        twist(root)
        writeFileSync(join(root, 'a.txt'), PATCHED)
        return { actions: [{ kind, input: { repository: '.' } }], holds: (reply) => isTrue(kind, root, reply) }
      },
    }),
  ),
)

const EVERYDAY: readonly [(typeof KINDS)[number], string, object, RegExp][] = [
  ['git.status', 'a changed and a new file are listed', {}, /changed a\.txt\\nnew new\.txt/],
  ['git.log', 'the newest commit is listed first', {}, /Ada: second\\n\w+ \S+ Ada: first/],
  ['git.log', 'one commit is listed', { max: 1 }, /^(?!.*first).*Ada: second/],
  ['git.log', 'the commits of one file are listed', { path: 'b.txt' }, /^(?!.*second).*Ada: first/],
  ['git.diff', 'the change of a file is shown', {}, /-two\\n\+2/],
  ['git.diff', 'nothing differs in another file', { path: 'b.txt' }, /nothing differs from HEAD/],
  ['git.diff', 'two commits are compared', { from: 'HEAD^', to: 'HEAD' }, /nothing differs between HEAD\^ and HEAD/],
]

const everyday = EVERYDAY.map(
  ([kind, says, input, answer]): Case => ({
    kind,
    says,
    needs: needsGit,
    make({ root }) {
      repository(root)
      git(root, 'commit', '-q', '--allow-empty', '-m', 'second')
      writeFileSync(join(root, 'a.txt'), PATCHED)
      writeFileSync(join(root, 'new.txt'), 'new\n')
      const before = repositoryState(root)
      return {
        actions: [{ kind, input: { repository: '.', ...input } }],
        holds: (reply) => answer.test(textOf(reply)) && repositoryState(root) === before,
      }
    },
  }),
)

export const gitReads = { lies: twisted, ordinary: everyday }
