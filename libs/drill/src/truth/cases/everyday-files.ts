/** What people do with files every day. */
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from '../case.ts'
import { contentOf, isFile } from '../outside.ts'

const WRITTEN: readonly [string, string, string][] = [
  ['an empty file', 'empty.txt', ''],
  ['a file without an end of line', 'a.txt', 'text'],
  ['a file with the ends of lines of Windows', 'w.txt', 'a\r\nb\r\n'],
  ['a file in several scripts', 'Grüße/読み.txt', 'äöü 漢字 🙂\n'],
  ['a file with a space in its name', 'my file.txt', 'x\n'],
  ['a hidden file', '.env.example', 'A=1\n'],
  ['a file in new folders', 'a/b/c/d.txt', 'deep\n'],
  ['a file with a byte-order mark', 'bom.csv', '\ufeffa;b\n'],
  ['a file of half a megabyte', 'big.txt', 'line\n'.repeat(100_000)],
  ['a file with a quote and a dollar in its name', `it's $5.txt`, 'x'],
  ['a file with tabs', 'Makefile', 'all:\n\techo hi\n'],
]

const writes: Case[] = WRITTEN.flatMap(([what, path, content]): Case[] => [
  {
    kind: 'file.write',
    says: `${what} is written, and undone`,
    make: ({ root }) => ({
      actions: [{ kind: 'file.write', input: { path, content } }],
      holds: () => readFileSync(join(root, path), 'utf8') === content,
      undo: true,
    }),
  },
  {
    kind: 'file.write',
    says: `${what} is written over another, and undone`,
    make({ root }) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), 'old\n', { mode: 0o640 })
      return {
        actions: [{ kind: 'file.write', input: { path, content } }],
        holds: () => readFileSync(join(root, path), 'utf8') === content,
        undo: true,
      }
    },
  },
  {
    kind: 'file.move',
    says: `${what} is moved, and undone`,
    make({ root }) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content)
      return {
        actions: [{ kind: 'file.move', input: { from: path, to: 'moved/here' } }],
        holds: () => contentOf(root, 'moved/here') === content && !isFile(root, path),
        undo: true,
      }
    },
  },
  {
    kind: 'file.copy',
    says: `${what} is copied, and undone`,
    make({ root }) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content)
      return {
        actions: [{ kind: 'file.copy', input: { from: path, to: 'copied/here' } }],
        holds: () => contentOf(root, 'copied/here') === content && contentOf(root, path) === content,
        undo: true,
      }
    },
  },
  {
    kind: 'file.delete',
    says: `${what} is removed, and undone`,
    make({ root }) {
      mkdirSync(join(root, path, '..'), { recursive: true })
      writeFileSync(join(root, path), content)
      return { actions: [{ kind: 'file.delete', input: { path } }], holds: () => !isFile(root, path), undo: true }
    },
  },
])

const PATCHED: readonly [string, string, string, string][] = [
  ['one line is changed', 'a\nb\nc\n', '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n', 'a\nB\nc\n'],
  ['a line is added at the end', 'a\nb\n', '@@ -1,2 +1,3 @@\n a\n b\n+c\n', 'a\nb\nc\n'],
  ['the first line is removed', 'a\nb\n', '@@ -1,2 +1 @@\n-a\n b\n', 'b\n'],
  ['a diff with headers is applied', 'a\n', '--- a/p.txt\n+++ b/p.txt\n@@ -1 +1 @@\n-a\n+b\n', 'b\n'],
  [
    'two places are changed',
    'a\n1\n2\n3\n4\n5\n6\nb\n',
    '@@ -1,2 +1,2 @@\n-a\n+A\n 1\n@@ -7,2 +7,2 @@\n 6\n-b\n+B\n',
    'A\n1\n2\n3\n4\n5\n6\nB\n',
  ],
]

const patches: Case[] = PATCHED.map(([what, old, diff, now]) => ({
  kind: 'file.patch',
  says: `${what}, and undone`,
  make({ root }) {
    writeFileSync(join(root, 'p.txt'), old)
    return {
      actions: [{ kind: 'file.patch', input: { path: 'p.txt', diff } }],
      holds: () => contentOf(root, 'p.txt') === now,
      undo: true,
    }
  },
}))

const GENERATED: readonly [string, string, string][] = [
  ['yaml', 'ci.yaml', 'on: push\n'],
  ['bash', 'run.sh', 'set -e\necho hi\n'],
  ['javascript', 'a.js', 'export const a = 1\n'],
  ['typescript', 'a.ts', 'export const a: number = 1\n'],
]

const generated: Case[] = GENERATED.map(([language, path, content]) => ({
  kind: 'code.generate',
  says: `a file of ${language} is made, and undone`,
  make: ({ root }) => ({
    actions: [{ kind: 'code.generate', input: { path, language, content } }],
    holds: () => contentOf(root, path) === content,
    undo: true,
  }),
}))

const folders: Case[] = ['made', 'a/b/c', 'with space', 'ünï', '.hidden', 'notes/2024'].map((path) => ({
  kind: 'dir.create',
  says: `the folder ${path} is made, and undone`,
  make: ({ root }) => ({
    actions: [{ kind: 'dir.create', input: { path } }],
    holds: () => lstatSync(join(root, path)).isDirectory(),
    undo: true,
  }),
}))

const broken: Case[] = [
  ['yaml', 'a: [1\n'],
  ['bash', 'if true; then\n'],
  ['javascript', 'const = 1\n'],
  ['typescript', 'let a: = 1\n'],
  ['sql', 'selekt 1;\n'],
].map(([language = '', content = '']) => ({
  kind: 'code.generate',
  says: `a file of ${language} that does not parse is written as it is`,
  make: () => ({
    actions: [{ kind: 'code.generate', input: { path: 'a.out', language, content } }],
    holds: () => false,
  }),
}))

export const everydayFiles = { lies: broken, ordinary: [...writes, ...folders, ...patches, ...generated] }
