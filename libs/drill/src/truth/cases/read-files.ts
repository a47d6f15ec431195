/** Files that are read, listed and searched: the answer is compared with what is on disk. */
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionReply } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'

const read = (input: JsonObject) => ({ kind: 'file.read', input })
const list = (input: JsonObject) => ({ kind: 'file.list', input })
const search = (input: JsonObject) => ({ kind: 'file.search', input })

const dataOf = (reply: ExecutionReply): JsonObject => (reply.result?.data ?? {}) as JsonObject

/** None of these can be answered. */
const UNREADABLE: readonly [string, (place: Place) => void, string][] = [
  ['is not there', () => undefined, 'a.txt'],
  ['is a link that leads outside', ({ root }) => symlinkSync('/etc/hostname', join(root, 'a.txt')), 'a.txt'],
  ['is reached by a link that leads outside', ({ root }) => symlinkSync('/etc', join(root, 'etc')), 'etc/hostname'],
  ['is outside', () => undefined, '../a.txt'],
  [
    'has a second name, which may lie outside',
    ({ root }) => {
      writeFileSync(join(root, '..', `${root.split('/').at(-1)}-outside`), 'x')
      linkSync(join(root, '..', `${root.split('/').at(-1)}-outside`), join(root, 'a.txt'))
    },
    'a.txt',
  ],
  [
    'holds credentials',
    ({ root }) => {
      mkdirSync(join(root, '.ssh'))
      writeFileSync(join(root, '.ssh/id'), 'x')
    },
    '.ssh/id',
  ],
]

const unreadable: Case[] = UNREADABLE.map(([what, act, path]) => ({
  kind: 'file.read',
  says: `a file is read that ${what}`,
  make(place) {
    act(place)
    return { actions: [read({ path })], holds: () => false }
  },
}))

const otherLies: Case[] = [
  { kind: 'file.list', says: 'a folder is listed that is not there', action: list({ path: 'logs' }) },
  { kind: 'file.list', says: 'a folder is listed that is a link to another', action: list({ path: 'etc' }) },
  { kind: 'file.search', says: 'a folder is searched that is not there', action: search({ text: 'a', path: 'logs' }) },
  { kind: 'file.search', says: 'an expression is searched for that is none', action: search({ regex: '(a' }) },
  { kind: 'file.search', says: 'an expression never ends', action: search({ regex: '^(a+)+$' }) },
].map(({ kind, says, action }) => ({
  kind,
  says,
  make({ root }) {
    symlinkSync('/etc', join(root, 'etc'))
    writeFileSync(join(root, 'a.txt'), `${'a'.repeat(60)}!\n`)
    return { actions: [action], holds: () => false }
  },
}))

const READ: readonly [string, string | Buffer, JsonObject, string][] = [
  ['a file is read', 'one\ntwo\n', {}, 'one\ntwo\n'],
  ['a file without an end of line is read', 'one', {}, 'one'],
  ['a file with the ends of lines of Windows is read', 'a\r\nb\r\n', {}, 'a\r\nb\r\n'],
  ['a file in several scripts is read', 'äöü 漢字 🙂\n', {}, 'äöü 漢字 🙂\n'],
  ['a file in Latin-1 is read', Buffer.from('grün\n', 'latin1'), {}, 'grün\n'],
  ['an empty file is read', '', {}, ''],
  ['some lines are read', 'a\nb\nc\nd\n', { from: 2, to: 3 }, 'b\nc\n'],
  ['the last lines are read', 'a\nb\nc\nd\n', { last: 2 }, 'c\nd\n'],
  ['lines far down are read', `${'line\n'.repeat(200_000)}here\n`, { from: 200_001 }, 'here\n'],
  ['a file is read whose secrets are hidden', 'DB_PASSWORD=hunter22\nA=1\n', {}, 'DB_PASSWORD=[redacted]\nA=1\n'],
]

const reads: Case[] = READ.map(([says, content, input, shown]) => ({
  kind: 'file.read',
  says,
  make({ root }) {
    writeFileSync(join(root, 'a.txt'), content)
    return {
      actions: [read({ path: 'a.txt', ...input })],
      holds: (reply) => dataOf(reply).content === shown && reply.result?.text === shownText(shown),
    }
  },
}))

const shownText = (content: string): string => (content === '' ? 'a.txt is empty' : content.replace(/\r?\n$/, ''))

const binary: Case = {
  kind: 'file.read',
  says: 'a file is read that is not text, and named',
  make({ root }) {
    writeFileSync(join(root, 'a.bin'), Buffer.from([1, 0, 2]))
    return { actions: [read({ path: 'a.bin' })], holds: (reply) => dataOf(reply).binary === true }
  },
}

/** Fills a folder. @returns the names and sizes */
function fill({ root }: Place): void {
  for (const folder of ['src', 'src/deep', 'node_modules', '.git']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'src/a.ts'), 'one TODO\ntwo\n')
  writeFileSync(join(root, 'src/deep/b.ts'), 'todo\n')
  writeFileSync(join(root, 'node_modules/c.ts'), 'TODO\n')
  writeFileSync(join(root, '.git/d.ts'), 'TODO\n')
  writeFileSync(join(root, 'e.bin'), '\0TODO\n')
}

const LISTED: readonly [string, JsonObject, readonly (readonly [string, string, number?])[]][] = [
  [
    'a folder is listed',
    { path: 'src' },
    [
      ['src/a.ts', 'file', 13],
      ['src/deep', 'folder'],
    ],
  ],
  [
    'a glob is listed',
    { path: '**/*.ts' },
    [
      ['src/a.ts', 'file', 13],
      ['src/deep/b.ts', 'file', 5],
    ],
  ],
  ['a file is listed', { path: 'e.bin' }, [['e.bin', 'file', 6]]],
  ['a glob is listed that matches nothing', { path: '*.md' }, []],
  [
    'the workspace is listed',
    {},
    [
      ['.git', 'folder'],
      ['e.bin', 'file', 6],
      ['node_modules', 'folder'],
      ['src', 'folder'],
    ],
  ],
]

const lists: Case[] = LISTED.map(([says, input, entries]) => ({
  kind: 'file.list',
  says,
  make(place) {
    fill(place)
    return {
      actions: [list(input)],
      holds(reply) {
        const found = (dataOf(reply).entries ?? []) as { path: string; type: string; bytes: number }[]
        return (
          found.length === entries.length &&
          entries.every(
            ([path, type, bytes], index) =>
              found[index]?.path === path &&
              found[index].type === type &&
              (bytes === undefined || found[index].bytes === bytes),
          )
        )
      },
    }
  },
}))

const SEARCHED: readonly [string, JsonObject, readonly string[]][] = [
  ['a text is searched for', { text: 'TODO' }, ['src/a.ts:1']],
  ['a text is searched for in any letters', { text: 'todo', ignore_case: true }, ['src/a.ts:1', 'src/deep/b.ts:1']],
  ['an expression is searched for', { regex: '^t.do$' }, ['src/deep/b.ts:1']],
  ['a text is searched for that is nowhere', { text: 'nowhere' }, []],
  ['a text is searched for in a folder that is named', { text: 'TODO', path: '.git' }, ['.git/d.ts:1']],
  ['a text is searched for in a glob', { text: 'two', path: 'src/*.ts' }, ['src/a.ts:2']],
]

const searches: Case[] = SEARCHED.map(([says, input, places]) => ({
  kind: 'file.search',
  says,
  make(place) {
    fill(place)
    return {
      actions: [search(input)],
      holds(reply) {
        const found = (dataOf(reply).matches ?? []) as { path: string; line: number }[]
        return found.map(({ path, line }) => `${path}:${line}`).join() === places.join()
      },
    }
  },
}))

export const readFiles = {
  lies: [...unreadable, ...otherLies],
  ordinary: [...reads, binary, ...lists, ...searches],
}
