/** Reverts of commits: in repositories that make git claim something else, over what came later, and as people do them. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case, Trial } from '../case.ts'
import { contentOf } from '../outside.ts'
import { git, needsGit, PATCHED, readGit, repository, repositoryState, TEXT } from '../repositories.ts'
import { stateUnlocked, TWISTS } from './git.ts'

const REVERT = { kind: 'git.revert', input: { repository: '.', commit: 'HEAD' } }
const reverting = (commit: string) => ({ kind: 'git.revert', input: { repository: '.', commit } })

/** With a second commit, which changes `a.txt`. */
function second(root: string): void {
  repository(root)
  writeFileSync(join(root, 'a.txt'), PATCHED)
  commit(root, 'second')
}

function commit(root: string, message: string): void {
  git(root, 'add', '-A')
  git(root, 'commit', '-q', '-m', message)
}

/** Whether one commit more is there, behind that one, with the text in the file and in the commit. */
const isReverted = (root: string, head: string, text: string): boolean =>
  readGit(root, 'rev-parse', 'HEAD^') === head &&
  readGit(root, 'show', 'HEAD:a.txt') === text.trim() &&
  contentOf(root, 'a.txt') === text &&
  readGit(root, 'diff', '--name-only', 'HEAD^', 'HEAD') === 'a.txt'

const twisted = TWISTS.map(
  ([says, twist]): Case => ({
    kind: 'git.revert',
    says,
    needs: needsGit,
    make({ root }): Trial {
      second(root)
      const target = git(root, 'rev-parse', 'HEAD')
      twist(root)
      const head = readGit(root, 'rev-parse', 'HEAD')
      return {
        actions: [reverting(target)],
        holds: () => isReverted(root, head, TEXT),
        world: () => stateUnlocked(root),
        undo: true,
      }
    },
  }),
)

/** What makes of it something that is not to be reverted, or not by itself. */
const REFUSED: readonly [string, (root: string) => void, string?][] = [
  [
    'the same lines were changed since',
    (root) => {
      writeFileSync(join(root, 'a.txt'), PATCHED.replace('2', 'zwei'))
      commit(root, 'third')
    },
    'HEAD^',
  ],
  [
    'the next line was changed since',
    (root) => {
      writeFileSync(join(root, 'a.txt'), PATCHED.replace('three', '3'))
      commit(root, 'third')
    },
    'HEAD^',
  ],
  [
    'the file was removed since',
    (root) => {
      rmSync(join(root, 'a.txt'))
      commit(root, 'third')
    },
    'HEAD^',
  ],
  ['the file is changed and in no commit', (root) => writeFileSync(join(root, 'a.txt'), `${PATCHED}mine\n`)],
  [
    'it is a merge',
    (root) => {
      git(root, 'checkout', '-q', '-b', 'side', 'HEAD^')
      git(root, 'commit', '-q', '--allow-empty', '-m', 'side')
      git(root, 'checkout', '-q', 'main')
      git(root, 'merge', '-q', '--no-edit', 'side')
    },
  ],
  ['it changes nothing', (root) => git(root, 'commit', '-q', '--allow-empty', '-m', 'empty')],
  [
    'it is of another branch',
    (root) => {
      git(root, 'branch', 'other')
      git(root, 'checkout', '-q', '--detach', 'HEAD^')
      git(root, 'checkout', '-q', '-B', 'main')
    },
    'other',
  ],
  [
    'the repository names a program that merges',
    (root) => {
      writeFileSync(join(root, '.gitattributes'), 'a.txt merge=x\n')
      git(root, 'config', 'merge.x.driver', 'echo merged > %A')
      commit(root, 'third')
      writeFileSync(join(root, 'a.txt'), PATCHED.replace('three', '3'))
      commit(root, 'fourth')
    },
    'HEAD~2',
  ],
]

const refused = REFUSED.map(
  ([says, prepare, target = 'HEAD']): Case => ({
    kind: 'git.revert',
    says: `a commit is reverted although ${says}`,
    needs: needsGit,
    make({ root }) {
      second(root)
      prepare(root)
      return { actions: [reverting(target)], holds: () => false, world: () => repositoryState(root) }
    },
  }),
)

const SINCE: readonly [string, (root: string) => void][] = [
  ['somebody has committed on top since', (root) => git(root, 'commit', '-q', '--allow-empty', '-m', 'mine')],
  ['somebody has amended it since', (root) => git(root, 'commit', '-q', '--amend', '-m', 'mine')],
  ['somebody has edited the file since', (root) => writeFileSync(join(root, 'a.txt'), 'mine\n')],
  ['somebody has removed the file since', (root) => rmSync(join(root, 'a.txt'))],
  ['somebody has gone on another branch since', (root) => git(root, 'checkout', '-q', '-b', 'other')],
  [
    'somebody has staged another file since',
    (root) => {
      writeFileSync(join(root, 'b.txt'), 'mine\n')
      git(root, 'add', 'b.txt')
    },
  ],
]

const since = SINCE.map(
  ([says, act]): Case => ({
    kind: 'git.revert',
    says: `an undo meets: ${says}`,
    needs: needsGit,
    make({ root }) {
      second(root)
      const head = git(root, 'rev-parse', 'HEAD')
      return {
        actions: [REVERT],
        holds: () => isReverted(root, head, TEXT),
        world: () => `${readGit(root, 'rev-parse', 'refs/heads/main')} ${contentOf(root, 'a.txt')}`,
        undo: () => act(root),
      }
    },
  }),
)

/** Of the second commit: what it is made of, and whether it is taken back. */
const EVERYDAY: readonly [string, (root: string) => void, (root: string) => boolean, string?][] = [
  [
    'the last commit is reverted',
    (root) => writeFileSync(join(root, 'a.txt'), PATCHED),
    (root) => contentOf(root, 'a.txt') === TEXT,
  ],
  [
    'a commit that made a file in a folder is reverted',
    (root) => {
      mkdirSync(join(root, 'd/e'), { recursive: true })
      writeFileSync(join(root, 'd/e/f'), 'f')
    },
    (root) => contentOf(root, 'd/e/f') === undefined,
  ],
  [
    'a commit that removed a file is reverted',
    (root) => rmSync(join(root, 'b.txt')),
    (root) => contentOf(root, 'b.txt') === 'b\n',
  ],
  [
    'a commit that made a program of a file is reverted',
    (root) => chmodSync(join(root, 'a.txt'), 0o755),
    (root) => readGit(root, 'ls-tree', 'HEAD', 'a.txt').startsWith('100644'),
  ],
  [
    'a commit that renamed a file is reverted',
    (root) => git(root, 'mv', 'a.txt', 'z.txt'),
    (root) => contentOf(root, 'a.txt') === TEXT && contentOf(root, 'z.txt') === undefined,
  ],
  [
    'a commit of bytes that are no text is reverted',
    (root) => writeFileSync(join(root, 'b.txt'), Buffer.from([0, 255, 254, 10])),
    (root) => contentOf(root, 'b.txt') === 'b\n',
  ],
  [
    'a commit of a file with a space and an umlaut in its name is reverted',
    (root) => writeFileSync(join(root, 'my Grüße'), 'x'),
    (root) => contentOf(root, 'my Grüße') === undefined,
  ],
]

const everyday: Case[] = [
  ...EVERYDAY.map(
    ([says, change, holds]): Case => ({
      kind: 'git.revert',
      says: `${says}, and undone`,
      needs: needsGit,
      make({ root }) {
        repository(root)
        change(root)
        commit(root, 'second')
        return { actions: [REVERT], holds: () => holds(root), world: () => repositoryState(root), undo: true }
      },
    }),
  ),
  {
    kind: 'git.revert',
    says: 'an older commit is reverted, and what came later in the same file stays, and undone',
    needs: needsGit,
    make({ root }) {
      second(root)
      writeFileSync(join(root, 'a.txt'), `zero\n${PATCHED}seven\n`)
      commit(root, 'third')
      return {
        actions: [reverting('HEAD^')],
        holds: () => contentOf(root, 'a.txt') === `zero\n${TEXT}seven\n`,
        world: () => repositoryState(root),
        undo: true,
      }
    },
  },
  {
    kind: 'git.revert',
    says: 'the last commit is reverted while another file is changed, and undone',
    needs: needsGit,
    make({ root }) {
      second(root)
      writeFileSync(join(root, 'b.txt'), 'mine\n')
      return {
        actions: [REVERT],
        holds: () => contentOf(root, 'a.txt') === TEXT && contentOf(root, 'b.txt') === 'mine\n',
        world: () => repositoryState(root),
        undo: true,
      }
    },
  },
]

export const reverts = { lies: [...twisted, ...refused, ...since], ordinary: everyday }
