/** Parts of files: texts replaced, lines added; and what must not be taken for them. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defined, type JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'
import type { Act } from '../meddler.ts'
import { contentOf, isFile } from '../outside.ts'

const edit = (input: JsonObject) => ({ kind: 'file.edit', input: { path: 'a.txt', ...input } })
const append = (text: string) => ({ kind: 'file.append', input: { path: 'a.txt', text } })

/** A text that does not occur as often as it should is replaced nowhere, and none of these is a success. */
const REFUSED: readonly [string, string, JsonObject][] = [
  ['the text is nowhere', 'one\n', { find: 'two', replace: 'x' }],
  ['the text is there twice', 'one one\n', { find: 'one', replace: 'x' }],
  ['the text is there once and not twice', 'one\n', { find: 'one', replace: 'x', times: 2 }],
  ['the text is there in other letters', 'One\n', { find: 'one', replace: 'x' }],
  ['the text is there with other line breaks', 'a\r\nb\n', { find: 'a\nb', replace: 'x' }],
  ['the text is a pattern that would match', 'abc\n', { find: 'a.c', replace: 'x' }],
  ['the text has been replaced before', 'two\n', { find: 'one', replace: 'two' }],
  ['the file is not text', 'one\0\n', { find: 'one', replace: 'x' }],
]

const refused: Case[] = REFUSED.map(([what, old, input]) => ({
  kind: 'file.edit',
  says: `a text is replaced, and ${what}`,
  make({ root }) {
    writeFileSync(join(root, 'a.txt'), old)
    return { actions: [edit(input)], holds: () => false }
  },
}))

const missing: Case = {
  kind: 'file.edit',
  says: 'a text is replaced in a file that is not there',
  make: () => ({ actions: [edit({ find: 'a', replace: 'b' })], holds: () => false }),
}

const OLD = 'one\n'
const NEW = 'one\ntwo\n'

const AFTER_AN_APPEND: readonly [Act, string, string?][] = [
  ['removes', 'somebody removes the file as soon as the line is added'],
  ['writes', 'the old lines are back as soon as the new one is there', OLD],
  ['writes', 'another program writes over the new line', 'one\n2\n'],
  ['truncates', 'the file is cut to nothing right after the line was added'],
  ['appends', 'a logger adds a line of its own right after', 'three\n'],
  ['renames away', 'a rotation renames the file away after the line was added'],
  ['replaces by a folder', 'a folder takes the place of the file after the line was added'],
]

const meddled: Case[] = AFTER_AN_APPEND.map(([act, says, text]) => ({
  kind: 'file.append',
  says,
  async make({ root, meddle }) {
    const path = join(root, 'a.txt')
    writeFileSync(path, OLD)
    const meddling = await meddle({ path, when: { content: NEW }, act, ...defined({ text }), times: 5 })
    return {
      actions: [append('two')],
      holds: () => contentOf(root, 'a.txt') === NEW && isFile(root, 'a.txt'),
      world: () => '',
      meddling,
    }
  },
}))

const UNDONE: readonly [string, (path: string) => void][] = [
  ['somebody has added a line since', (path) => writeFileSync(path, `${NEW}three\n`)],
  ['somebody has taken the line out since', (path) => writeFileSync(path, 'two\n')],
  ['somebody has removed the file since', (path) => rmSync(path)],
  ['somebody has changed the mode since', (path) => chmodSync(path, 0o600)],
]

const undone: Case[] = UNDONE.map(([says, act]) => ({
  kind: 'file.append',
  says: `a line is taken back, and ${says}`,
  make({ root }) {
    const path = join(root, 'a.txt')
    writeFileSync(path, OLD)
    return {
      actions: [append('two')],
      holds: () => contentOf(root, 'a.txt') === NEW,
      undo: () => act(path),
    }
  },
}))

const EDITED: readonly [string, string, JsonObject, string][] = [
  ['a word is replaced', 'a b c\n', { find: 'b', replace: 'B' }, 'a B c\n'],
  ['a word is taken out', 'a b c\n', { find: ' b', replace: '' }, 'a c\n'],
  ['a word is replaced wherever it is', 'b b\nb', { find: 'b', replace: 'bb', times: 'all' }, 'bb bb\nbb'],
  ['a word is replaced three times', 'b b\nb', { find: 'b', replace: 'c', times: 3 }, 'c c\nc'],
  ['two lines are replaced by one', 'a\nb\nc\n', { find: 'a\nb\n', replace: 'x\n' }, 'x\nc\n'],
  ['a line is replaced that ends as on Windows', 'a\r\nb\r\n', { find: 'a\r\n', replace: 'x\r\n' }, 'x\r\nb\r\n'],
  ['signs of a pattern are replaced', 'f(a.*b)$\n', { find: '(a.*b)$', replace: '$&$1' }, 'f$&$1\n'],
  ['letters of several scripts are replaced', 'Grüße 漢字 🙂\n', { find: '漢字 🙂', replace: 'ä' }, 'Grüße ä\n'],
]

const edits: Case[] = EDITED.map(([what, old, input, now]) => ({
  kind: 'file.edit',
  says: `${what}, and undone`,
  make({ root }) {
    writeFileSync(join(root, 'a.txt'), old, { mode: 0o640 })
    return { actions: [edit(input)], holds: () => contentOf(root, 'a.txt') === now, undo: true }
  },
}))

const latin: Case = {
  kind: 'file.edit',
  says: 'a word of a file in Latin-1 is replaced, and undone',
  make({ root }) {
    const path = join(root, 'a.txt')
    writeFileSync(path, Buffer.from('grün\n', 'latin1'))
    return {
      actions: [edit({ find: 'ü', replace: 'ö' })],
      holds: () => readFileSync(path).equals(Buffer.from('grön\n', 'latin1')),
      undo: true,
    }
  },
}

const APPENDED: readonly [string, string | undefined, string, string][] = [
  ['a line is added', 'one\n', 'two', 'one\ntwo\n'],
  ['a line is added to a file without an end of line', 'one', 'two', 'one\ntwo\n'],
  ['a line is added to a file of Windows', 'one\r\n', 'two', 'one\r\ntwo\r\n'],
  ['several lines are added', 'one\n', 'two\nthree\n', 'one\ntwo\nthree\n'],
  ['a line is added to an empty file', '', 'two', 'two\n'],
  ['a line is added to a file that is not there', undefined, 'two', 'two\n'],
  ['a line is added that is there already', 'two\n', 'two', 'two\ntwo\n'],
  ['a line in several scripts is added', 'one\n', 'äöü 漢字 🙂', 'one\näöü 漢字 🙂\n'],
]

const appends: Case[] = APPENDED.map(([what, old, text, now]) => ({
  kind: 'file.append',
  says: `${what}, and undone`,
  make({ root }) {
    if (old !== undefined) writeFileSync(join(root, 'a.txt'), old, { mode: 0o640 })
    return { actions: [append(text)], holds: () => contentOf(root, 'a.txt') === now, undo: true }
  },
}))

export const partsOfFiles = {
  lies: [...refused, missing, ...meddled, ...undone],
  ordinary: [...edits, latin, ...appends],
}
