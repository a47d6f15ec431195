/** What people do with git every day. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { contentOf } from '../outside.ts'
import { git, needsGit, PATCH, PATCHED, readGit, repository, repositoryState } from '../repositories.ts'

interface Everyday {
  says: string
  actions: { kind: string; input: JsonObject }[]
  given?(root: string): void
  holds(root: string): boolean
}

const commitOf = (...paths: string[]) => ({ kind: 'git.commit', input: { repository: '.', message: 'work', paths } })
const branchOf = (name: string, more: JsonObject = {}) => ({
  kind: 'git.branch',
  input: { repository: '.', name, ...more },
})
const applyOf = (patch: string) => ({ kind: 'git.apply', input: { repository: '.', patch } })
const branches = (root: string): string[] =>
  readGit(root, 'for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n')
const inCommit = (root: string, name: string): string => readGit(root, 'show', `HEAD:${name}`)

const EVERYDAY: readonly Everyday[] = [
  { says: 'a branch is made', actions: [branchOf('topic')], holds: (root) => branches(root).includes('topic') },
  {
    says: 'a branch with a slash is made',
    actions: [branchOf('fix/some-thing')],
    holds: (root) => branches(root).includes('fix/some-thing'),
  },
  {
    says: 'a branch is made from another one',
    given: (root) => git(root, 'branch', 'base'),
    actions: [branchOf('topic', { from: 'base' })],
    holds: (root) => branches(root).includes('topic'),
  },
  {
    says: 'a branch is made from a tag',
    given: (root) => git(root, 'tag', 'v1'),
    actions: [branchOf('hotfix', { from: 'v1' })],
    holds: (root) => branches(root).includes('hotfix'),
  },
  {
    says: 'a branch is made and gone on',
    actions: [branchOf('topic', { switch: true })],
    holds: (root) => readGit(root, 'symbolic-ref', '--short', 'HEAD') === 'topic',
  },
  {
    says: 'a branch is gone on while a file is changed',
    given: (root) => writeFileSync(join(root, 'b.txt'), 'mine\n'),
    actions: [branchOf('topic', { switch: true })],
    holds: (root) => contentOf(root, 'b.txt') === 'mine\n',
  },
  {
    says: 'a changed file is committed',
    given: (root) => writeFileSync(join(root, 'a.txt'), PATCHED),
    actions: [commitOf('a.txt')],
    holds: (root) => inCommit(root, 'a.txt') === PATCHED.trim(),
  },
  {
    says: 'a new file is committed',
    given: (root) => writeFileSync(join(root, 'n.txt'), 'n'),
    actions: [commitOf('n.txt')],
    holds: (root) => inCommit(root, 'n.txt') === 'n',
  },
  {
    says: 'a removed file is committed',
    given: (root) => rmSync(join(root, 'b.txt')),
    actions: [commitOf('b.txt')],
    holds: (root) => !readGit(root, 'ls-tree', '--name-only', 'HEAD').includes('b.txt'),
  },
  {
    says: 'a folder is committed',
    given: (root) => {
      mkdirSync(join(root, 'd/e'), { recursive: true })
      writeFileSync(join(root, 'd/e/f'), 'f')
    },
    actions: [commitOf('d')],
    holds: (root) => inCommit(root, 'd/e/f') === 'f',
  },
  {
    says: 'a file with a space in its name is committed',
    given: (root) => writeFileSync(join(root, 'my file'), 'm'),
    actions: [commitOf('my file')],
    holds: (root) => inCommit(root, 'my file') === 'm',
  },
  {
    says: 'a file with an umlaut in its name is committed',
    given: (root) => writeFileSync(join(root, 'Grüße'), 'g'),
    actions: [commitOf('Grüße')],
    holds: (root) => inCommit(root, 'Grüße') === 'g',
  },
  {
    says: 'one file is committed while another is changed',
    given: (root) => {
      writeFileSync(join(root, 'a.txt'), PATCHED)
      writeFileSync(join(root, 'b.txt'), 'mine\n')
    },
    actions: [commitOf('a.txt')],
    holds: (root) => readGit(root, 'status', '--porcelain').includes('M b.txt'),
  },
  {
    says: 'a program is committed with its mode',
    given: (root) => writeFileSync(join(root, 'run'), '#!/bin/sh\n', { mode: 0o755 }),
    actions: [commitOf('run')],
    holds: (root) => readGit(root, 'ls-tree', 'HEAD', 'run').startsWith('100755'),
  },
  { says: 'a patch is applied', actions: [applyOf(PATCH)], holds: (root) => contentOf(root, 'a.txt') === PATCHED },
  {
    says: 'a patch that makes a file is applied',
    actions: [applyOf('--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n')],
    holds: (root) => contentOf(root, 'new.txt') === 'new\n',
  },
  {
    says: 'a patch that removes a file is applied',
    actions: [applyOf('--- a/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n')],
    holds: (root) => !existsSync(join(root, 'b.txt')),
  },
  {
    says: 'a patch of two files is applied',
    actions: [applyOf(`${PATCH}--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-b\n+c\n`)],
    holds: (root) => contentOf(root, 'b.txt') === 'c\n',
  },
  {
    says: 'a patch as `git diff` writes it is applied',
    actions: [applyOf(`diff --git a/a.txt b/a.txt\nindex 1234567..89abcde 100644\n${PATCH}`)],
    holds: (root) => contentOf(root, 'a.txt') === PATCHED,
  },
  {
    says: 'a patch of two places is applied',
    actions: [applyOf('--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -5,2 +5,2 @@\n five\n-six\n+6\n')],
    holds: (root) => readFileSync(join(root, 'a.txt'), 'utf8').endsWith('five\n6\n'),
  },
  {
    says: 'a patch is applied and committed',
    actions: [applyOf(PATCH), commitOf('a.txt')],
    holds: (root) => inCommit(root, 'a.txt') === PATCHED.trim(),
  },
  {
    says: 'a branch is gone on and committed to',
    given: (root) => writeFileSync(join(root, 'a.txt'), PATCHED),
    actions: [branchOf('topic', { switch: true }), commitOf('a.txt')],
    holds: (root) => readGit(root, 'log', '-1', '--format=%s', 'topic') === 'work',
  },
]

const everyday = EVERYDAY.map(
  ({ says, actions, given, holds }): Case => ({
    kind: actions[0]!.kind,
    says: `${says}, and undone`,
    needs: needsGit,
    make({ root }) {
      repository(root)
      given?.(root)
      return { actions, holds: () => holds(root), world: () => repositoryState(root), undo: true }
    },
  }),
)

export const everydayGit = { lies: [] as Case[], ordinary: everyday }
