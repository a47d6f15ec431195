/** Git: hooks, filters, patches that fit elsewhere, and what of a repository an undo has to leave as it was. */
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import type { Case, Trial } from '../case.ts'
import { contentOf } from '../outside.ts'
import { git, needsGit, PATCH, PATCHED, readGit, repository, repositoryState, TEXT } from '../repositories.ts'

const BRANCH = { kind: 'git.branch', input: { repository: '.', name: 'feature/x' } }
const COMMIT = { kind: 'git.commit', input: { repository: '.', message: 'docs: say it', paths: ['a.txt'] } }
const APPLY = { kind: 'git.apply', input: { repository: '.', patch: PATCH } }
const SWITCH = { kind: 'git.branch', input: { repository: '.', name: 'feature/x', switch: true } }

type GitAction = typeof BRANCH | typeof COMMIT | typeof APPLY | typeof SWITCH

/** Whether the repository is as its user wants it; of a commit: it holds what the file is, on the branch, from that parent. */
function isDone(root: string, { kind, input }: { kind: string; input: JsonObject }, before: string): boolean {
  const head = readGit(root, 'rev-parse', 'HEAD')
  if (kind === 'git.branch')
    return (
      readGit(root, 'for-each-ref', '--format=%(objectname)', `refs/heads/${input.name}`) === head &&
      (!input.switch || readGit(root, 'symbolic-ref', 'HEAD') === `refs/heads/${input.name}`)
    )
  if (kind === 'git.apply') return contentOf(root, 'a.txt') === PATCHED
  return (
    readGit(root, 'rev-parse', '--quiet', '--verify', 'HEAD') !== before &&
    readGit(root, 'rev-parse', 'HEAD^') === before &&
    readGit(root, 'log', '-1', '--format=%B') === input.message &&
    readGit(root, 'show', 'HEAD:a.txt') === contentOf(root, 'a.txt')?.trim() &&
    readGit(root, 'diff', '--name-only', 'HEAD^', 'HEAD') === 'a.txt'
  )
}

/** Twists of a repository or its host that make git claim, or do, something else. */
export const TWISTS: readonly [string, (root: string) => void][] = [
  [
    'a hook before the commit adds another file',
    (root) => hook(root, 'pre-commit', 'echo x > sneaked; git add sneaked'),
  ],
  ['a hook after the commit moves the branch back', (root) => hook(root, 'post-commit', 'git reset -q --hard HEAD^')],
  ['a hook rewrites the message', (root) => hook(root, 'commit-msg', 'echo other > "$1"')],
  ['a hook prepares another message', (root) => hook(root, 'prepare-commit-msg', 'echo other > "$1"')],
  ['a hook changes the file when a branch is switched', (root) => hook(root, 'post-checkout', 'echo x > a.txt')],
  [
    'a hook moves references back',
    (root) => hook(root, 'reference-transaction', '[ "$1" = prepared ] && exit 1; exit 0'),
  ],
  ['a hook changes the file when the index changes', (root) => hook(root, 'post-index-change', 'echo x > a.txt')],
  [
    'a filter stores other bytes than the file has',
    (root) => {
      git(root, 'config', 'filter.x.clean', 'tr a-z A-Z')
      writeFileSync(join(root, '.gitattributes'), 'a.txt filter=x\n')
      // Else git goes by the time of the file, which it has noted before there was a filter.
      utimesSync(join(root, 'a.txt'), 0, 0)
    },
  ],
  ['ends of lines are turned by the configuration', (root) => git(root, 'config', 'core.autocrlf', 'true')],
  ['the file is assumed to be unchanged', (root) => git(root, 'update-index', '--assume-unchanged', 'a.txt')],
  ['the file is skipped in the working tree', (root) => git(root, 'update-index', '--skip-worktree', 'a.txt')],
  ['the file is ignored', (root) => writeFileSync(join(root, '.gitignore'), 'a.txt\n')],
  ['the working tree is elsewhere by the configuration', (root) => git(root, 'config', 'core.worktree', '/tmp')],
  ['a monitor says that nothing has changed', (root) => git(root, 'config', 'core.fsmonitor', 'true')],
  ['an index lock of a dead git is in the way', (root) => writeFileSync(join(root, '.git', 'index.lock'), '')],
  [
    'a lock of the branch is in the way',
    (root) => {
      mkdirSync(join(root, '.git/refs/heads/feature'), { recursive: true })
      writeFileSync(join(root, '.git/refs/heads/feature/x.lock'), '')
      writeFileSync(join(root, '.git/refs/heads/main.lock'), '')
    },
  ],
  ['a branch named as the folder of the new one exists', (root) => git(root, 'branch', 'feature')],
  ['HEAD leads to no branch', (root) => git(root, 'checkout', '-q', '--detach')],
  [
    'a merge is under way',
    (root) => writeFileSync(join(root, '.git', 'MERGE_HEAD'), `${git(root, 'rev-parse', 'HEAD')}\n`),
  ],
  [
    'commits are replaced by others',
    (root) => {
      writeFileSync(join(root, 'b.txt'), 'c\n')
      git(root, 'commit', '-q', '-am', 'second')
      git(root, 'replace', 'HEAD', 'HEAD^')
    },
  ],
  [
    'the objects are of another repository',
    (root) => writeFileSync(join(root, '.git/objects/info/alternates'), '/nonexistent\n'),
  ],
  [
    'file modes are not looked at',
    (root) => {
      git(root, 'config', 'core.fileMode', 'false')
      chmodSync(join(root, 'a.txt'), 0o755)
    },
  ],
  [
    'another file is staged already',
    (root) => {
      writeFileSync(join(root, 'b.txt'), 'staged\n')
      git(root, 'add', 'b.txt')
    },
  ],
  [
    'the same file is staged in another form',
    (root) => {
      writeFileSync(join(root, 'a.txt'), 'staged\n')
      git(root, 'add', 'a.txt')
      writeFileSync(join(root, 'a.txt'), TEXT)
    },
  ],
]

function hook(root: string, name: string, script: string): void {
  mkdirSync(join(root, '.git/hooks'), { recursive: true })
  writeFileSync(join(root, '.git/hooks', name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(root, '.git/hooks', name), 0o755)
}

const twisted = [BRANCH, SWITCH, COMMIT, APPLY].flatMap((action) =>
  TWISTS.map(
    ([says, twist]): Case => ({
      kind: action.kind,
      says: `${action === SWITCH ? 'going on a new branch: ' : ''}${says}`,
      needs: needsGit,
      make({ root }): Trial {
        repository(root)
        twist(root)
        if (action === COMMIT) writeFileSync(join(root, 'a.txt'), PATCHED)
        const head = git(root, 'rev-parse', 'HEAD')
        return {
          actions: [action],
          holds: () => isDone(root, action, head),
          world: () => stateUnlocked(root),
          undo: true,
        }
      },
    }),
  ),
)

/** What git cannot say of a twisted repository is left out, the same way before and after. */
export function stateUnlocked(root: string): string {
  try {
    return repositoryState(root)
  } catch {
    return `${contentOf(root, '.git/HEAD')} ${JSON.stringify(contentOf(root, 'a.txt'))}`
  }
}

/** Patches that git takes, or half takes, somewhere else than they say. */
const PATCHES: readonly [string, string, string?][] = [
  [
    'a patch whose lines are twice in the file',
    '--- a/a.txt\n+++ b/a.txt\n@@ -7,2 +7,2 @@\n x = 1\n-y = 2\n+y = 3\n',
    'def a\nx = 1\ny = 2\n\n\n\ndef b\nx = 1\ny = 2\n',
  ],
  [
    'a patch whose lines have moved',
    '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n',
    'new\nnew\nnew\nx = 1\ny = 2\n',
  ],
  ['a patch of two files, of which one does not fit', `${PATCH}--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-other\n+c\n`],
  [
    'a patch of two places, of which one does not fit',
    '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -5,2 +5,2 @@\n five\n-seven\n+7\n',
  ],
  ['a patch whose counts of lines are wrong', '--- a/a.txt\n+++ b/a.txt\n@@ -1,9 +1,9 @@\n one\n-two\n+2\n three\n'],
  ['a patch of a file that is not there', '--- a/none.txt\n+++ b/none.txt\n@@ -1 +1 @@\n-x\n+y\n'],
  ['a patch that makes a file that is there', '--- /dev/null\n+++ b/b.txt\n@@ -0,0 +1 @@\n+x\n'],
  ['a patch whose ends of lines differ', '--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\r\n-two\r\n+2\r\n three\r\n'],
  ['a patch cut in the middle', PATCH.slice(0, -12)],
  ['a patch with words only', 'please change two to 2\n'],
  ['a patch that leads out of the repository', '--- a/../a.txt\n+++ b/../a.txt\n@@ -1 +1 @@\n-x\n+y\n'],
]

const patches = PATCHES.map(
  ([says, patch, text = TEXT]): Case => ({
    kind: 'git.apply',
    says,
    needs: needsGit,
    make({ root }) {
      repository(root)
      writeFileSync(join(root, 'a.txt'), text)
      // The second of the two places is the one that is meant, in the very line that the patch names.
      const meant = text.startsWith('def') ? text.replace(/y = 2\n$/, 'y = 3\n') : undefined
      return {
        actions: [{ kind: 'git.apply', input: { repository: '.', patch } }],
        holds: () => meant !== undefined && contentOf(root, 'a.txt') === meant,
      }
    },
  }),
)

/** What happens between the success and its rollback. */
const SINCE: readonly [GitAction, string, (root: string) => void][] = [
  [
    BRANCH,
    'somebody has committed on the new branch since',
    (root) => {
      git(root, 'checkout', '-q', 'feature/x')
      git(root, 'commit', '-q', '--allow-empty', '-m', 'mine')
      git(root, 'checkout', '-q', 'main')
    },
  ],
  [BRANCH, 'somebody has gone on the new branch since', (root) => git(root, 'checkout', '-q', 'feature/x')],
  [BRANCH, 'somebody has removed the new branch since', (root) => git(root, 'branch', '-D', 'feature/x')],
  [BRANCH, 'somebody has renamed the new branch since', (root) => git(root, 'branch', '-m', 'feature/x', 'feature/y')],
  [
    SWITCH,
    'somebody has changed a file on the new branch since',
    (root) => writeFileSync(join(root, 'b.txt'), 'mine\n'),
  ],
  [
    SWITCH,
    'somebody has committed on the new branch since',
    (root) => git(root, 'commit', '-q', '--allow-empty', '-m', 'mine'),
  ],
  [COMMIT, 'somebody has committed on top since', (root) => git(root, 'commit', '-q', '--allow-empty', '-m', 'mine')],
  [COMMIT, 'somebody has amended it since', (root) => git(root, 'commit', '-q', '--amend', '-m', 'mine')],
  [COMMIT, 'somebody has edited the file since', (root) => writeFileSync(join(root, 'a.txt'), 'mine\n')],
  [
    COMMIT,
    'somebody has staged another file since',
    (root) => {
      writeFileSync(join(root, 'b.txt'), 'mine\n')
      git(root, 'add', 'b.txt')
    },
  ],
  [COMMIT, 'somebody has put a tag on it since', (root) => git(root, 'tag', 'v1')],
  [COMMIT, 'somebody has gone on another branch since', (root) => git(root, 'checkout', '-q', '-b', 'other')],
  [APPLY, 'somebody has edited the file since', (root) => writeFileSync(join(root, 'a.txt'), `${PATCHED}mine\n`)],
  [APPLY, 'somebody has removed the file since', (root) => rmSync(join(root, 'a.txt'))],
  [APPLY, 'somebody has staged the file since', (root) => git(root, 'add', 'a.txt')],
]

/** What the action itself has changed; the rest is of others. */
function ownState(root: string, { kind, input }: GitAction): string {
  if (kind === 'git.apply') return `${contentOf(root, 'a.txt')}`
  if (kind === 'git.commit') return readGit(root, 'rev-parse', 'refs/heads/main')
  const made = readGit(root, 'for-each-ref', `refs/heads/${BRANCH.input.name}`)
  return 'switch' in input ? `${made} ${readGit(root, 'symbolic-ref', 'HEAD')}` : made
}

const since = SINCE.map(
  ([action, says, act]): Case => ({
    kind: action.kind,
    says: `an undo${action === SWITCH ? ' of going on a branch' : ''} meets: ${says}`,
    needs: needsGit,
    make({ root }) {
      repository(root)
      if (action === COMMIT) writeFileSync(join(root, 'a.txt'), PATCHED)
      const head = git(root, 'rev-parse', 'HEAD')
      return {
        actions: [action],
        holds: () => isDone(root, action, head),
        world: () => ownState(root, action),
        undo: () => act(root),
      }
    },
  }),
)

export const gitCases = { lies: [...twisted, ...patches, ...since], ordinary: [] as Case[] }
