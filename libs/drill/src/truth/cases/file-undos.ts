/** Undoes of files that are moved and removed, and of folders: what else there was, and what others have done since. */
import { chownSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { contentOf } from '../outside.ts'

const OLD = '{"first": 1}\n'
const MOVE = { kind: 'file.move', input: { from: 'a.json', to: 'b.json' } }
const DELETE = { kind: 'file.delete', input: { path: 'a.json' } }
const FOLDER = { kind: 'dir.create', input: { path: 'made' } }

/** Undoes of what is no write. `given`: before; `since`: between the success and the rollback. */
const UNDONE: readonly {
  kind: string
  says: string
  input: JsonObject
  given?(root: string): void
  since?(root: string): void
  all?: true
}[] = [
  {
    ...DELETE,
    says: 'an undo meets: somebody has written a new file of the name since',
    since: (root) => writeFileSync(join(root, 'a.json'), 'x'),
  },
  {
    ...DELETE,
    says: 'an undo meets: somebody has made a folder of the name since',
    since: (root) => mkdirSync(join(root, 'a.json')),
  },
  {
    ...MOVE,
    says: 'an undo meets: somebody has edited the moved file since',
    since: (root) => writeFileSync(join(root, 'b.json'), 'x'),
  },
  {
    ...MOVE,
    says: 'an undo meets: somebody has removed the moved file since',
    since: (root) => rmSync(join(root, 'b.json')),
  },
  {
    ...MOVE,
    says: 'an undo meets: somebody has written a new file at the old place since',
    since: (root) => writeFileSync(join(root, 'a.json'), 'x'),
  },
  {
    kind: 'file.move',
    input: { from: 'a.json', to: 'b.json', overwrite: true },
    says: 'an undo of a move over another file forgets the other file',
    given: (root) => writeFileSync(join(root, 'b.json'), 'other'),
  },
  {
    ...FOLDER,
    says: 'an undo meets: somebody has put a file into the folder since',
    since: (root) => writeFileSync(join(root, 'made', 'x'), 'x'),
  },
  { kind: 'dir.create', input: { path: 'made/deep/er' }, says: 'an undo of three folders takes back only the last' },
  {
    kind: 'dir.create',
    input: { path: 'made/deep' },
    says: 'an undo meets: somebody has put a file beside the inner folder since',
    since: (root) => writeFileSync(join(root, 'made', 'x'), 'x'),
  },
  {
    kind: 'file.write',
    input: { path: 'new/deep/a', content: 'x' },
    says: 'an undo of a file in new folders leaves the folders',
  },
  {
    kind: 'file.move',
    input: { from: 'a.json', to: 'new/deep/a' },
    says: 'an undo of a move into new folders leaves the folders',
  },
  {
    kind: 'file.copy',
    input: { from: 'a.json', to: 'new/deep/' },
    says: 'an undo of a copy into new folders leaves the folders',
  },
  {
    kind: 'file.copy',
    input: { from: 'a.json', to: 'b.json' },
    says: 'an undo meets: somebody has written another file over the copy since',
    since: (root) => writeFileSync(join(root, 'b.json'), 'x'),
  },
  {
    kind: 'file.delete',
    input: { path: 'd', recursive: true },
    says: 'an undo of a removed folder brings back the names that are text only',
    given: (root) => {
      mkdirSync(join(root, 'd'))
      writeFileSync(Buffer.concat([Buffer.from(`${join(root, 'd')}/caf`), Buffer.from([0xe9])]), 'x')
      writeFileSync(join(root, 'd', 'plain'), 'y')
    },
  },
  {
    kind: 'file.delete',
    input: { path: 'd', recursive: true },
    says: 'an undo of a removed folder forgets its empty folders',
    given: (root) => mkdirSync(join(root, 'd', 'empty', 'er'), { recursive: true }),
  },
  {
    kind: 'file.delete',
    input: { path: 'd', recursive: true },
    says: 'an undo of a removed folder forgets its links',
    given: (root) => {
      mkdirSync(join(root, 'd'))
      symlinkSync('nowhere', join(root, 'd', 'dangling'))
      symlinkSync('/etc/hostname', join(root, 'd', 'out'))
    },
  },
  {
    kind: 'file.delete',
    input: { path: 'd', recursive: true },
    says: 'an undo of a removed folder makes two files of one with two names',
    given: (root) => {
      mkdirSync(join(root, 'd'))
      writeFileSync(join(root, 'd', 'one'), 'x')
      linkSync(join(root, 'd', 'one'), join(root, 'd', 'two'))
    },
  },
  {
    kind: 'file.delete',
    input: { path: 'd', recursive: true },
    says: 'an undo of a removed folder gives it the usual modes and owners',
    given: (root) => {
      mkdirSync(join(root, 'd'), { mode: 0o700 })
      writeFileSync(join(root, 'd', 'key'), 'x', { mode: 0o600 })
      if (process.getuid?.() === 0) chownSync(join(root, 'd', 'key'), 1234, 5678)
      if (process.getuid?.() === 0) chownSync(join(root, 'd'), 1234, 5678)
    },
  },
  {
    kind: 'file.delete',
    input: { path: 'l' },
    says: 'the removal of a link removes what it leads to',
    given: (root) => symlinkSync('a.json', join(root, 'l')),
  },
  {
    kind: 'file.write',
    input: { path: 'l', content: 'x' },
    says: 'a write through a link is undone at the link alone',
    given: (root) => symlinkSync('a.json', join(root, 'l')),
  },
]

const undone: Case[] = UNDONE.map(({ kind, says, input, given, since }) => ({
  kind,
  says,
  make({ root }) {
    writeFileSync(join(root, 'a.json'), OLD)
    given?.(root)
    return {
      actions: [{ kind, input }],
      holds: () => contentOf(root, 'a.json') === OLD || kind !== 'file.write',
      undo: since ? () => since(root) : true,
    }
  },
}))

export const fileUndos = { lies: undone, ordinary: [] as Case[] }
