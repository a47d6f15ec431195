/** Files: somebody changes them between effect and look, and undoes meet what others have done since. */
import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defined, type JsonObject } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'
import type { Act } from '../meddler.ts'
import { contentOf, isFile } from '../outside.ts'

const OLD = '{"first": 1}\n'
const NEW = '{"first": 2}\n'
const DIFF = '@@ -1 +1 @@\n-{"first": 1}\n+{"first": 2}\n'

/** Kinds that put new content into `a.json`. */
const WRITERS: Record<string, JsonObject> = {
  'file.write': { path: 'a.json', content: NEW },
  'file.patch': { path: 'a.json', diff: DIFF },
  'file.edit': { path: 'a.json', find: '1}', replace: '2}' },
  'code.generate': { path: 'a.json', language: 'yaml', content: NEW },
}

/** What somebody does to the new file before it can be looked at. */
const AFTER_A_WRITE: readonly [Act, string, string?][] = [
  ['removes', 'somebody removes the file as soon as it is written'],
  ['writes', 'the old content is back as soon as the new one is there', OLD],
  ['writes', 'another program writes its own content a moment later', '{"other": true}\n'],
  ['writes', 'the content differs in a single byte from what was written', '{"first": 3}\n'],
  ['writes', 'an editor turns the ends of lines into those of Windows', NEW.replace('\n', '\r\n')],
  ['writes', 'an editor puts a byte-order mark in front', `\ufeff${NEW}`],
  ['truncates', 'the file is cut to nothing right after the write'],
  ['appends', 'a logger adds a line to the file right after the write', '// seen\n'],
  ['replaces by a folder', 'a folder takes the place of the file'],
  ['renames away', 'a rotation renames the file away'],
]

const meddledWrites: Case[] = Object.entries(WRITERS).flatMap(([kind, input]) =>
  AFTER_A_WRITE.map(
    ([act, says, text]): Case => ({
      kind,
      says,
      async make({ root, meddle }) {
        writeFileSync(join(root, 'a.json'), OLD)
        const when = { content: NEW }
        const meddling = await meddle({
          path: join(root, 'a.json'),
          when,
          act,
          ...defined({ text }),
          times: 5,
        })
        return {
          actions: [{ kind, input }],
          holds: () => contentOf(root, 'a.json') === NEW && isFile(root, 'a.json'),
          // What the other one did is no part of what Deed has to bring back.
          world: () => '',
          meddling,
        }
      },
    }),
  ),
)

/** What others do between the success and its rollback; and what a rollback that claims to be whole must have brought back. */
const BEFORE_AN_UNDO: readonly [string, (path: string, root: string) => void][] = [
  ['somebody has edited the file since', (path) => writeFileSync(path, 'edited\n')],
  ['somebody has removed the file since', (path) => rmSync(path)],
  [
    'somebody has made a folder of it since',
    (path) => {
      rmSync(path)
      mkdirSync(path)
    },
  ],
  [
    'somebody has made a link of it since',
    (path, root) => {
      rmSync(path)
      writeFileSync(join(root, 'z'), NEW)
      symlinkSync('z', path)
    },
  ],
  ['somebody has changed its mode since', (path) => chmodSync(path, 0o600)],
  ['somebody has given the file a second name since', (path, root) => linkSync(path, join(root, 'second'))],
  ['somebody has put the old content back already', (path) => writeFileSync(path, OLD)],
  ['somebody has removed its whole folder since', (_, root) => rmSync(root, { recursive: true })],
]

const metUndoes: Case[] = Object.entries(WRITERS).flatMap(([kind, input]) =>
  BEFORE_AN_UNDO.map(
    ([says, act]): Case => ({
      kind,
      says: `an undo meets: ${says}`,
      make({ root }) {
        writeFileSync(join(root, 'a.json'), OLD)
        return {
          actions: [{ kind, input }],
          holds: () => contentOf(root, 'a.json') === NEW,
          world: () =>
            isFile(root, 'a.json') ? `${contentOf(root, 'a.json')} ${lstatSync(join(root, 'a.json')).mode}` : 'no file',
          undo: () => act(join(root, 'a.json'), root),
        }
      },
    }),
  ),
)

const DURING_AN_UNDO: readonly [Act, string, string?][] = [
  ['writes', 'a program writes the new content again while it is undone', NEW],
  ['removes', 'somebody removes what the undo has brought back'],
  ['truncates', 'what the undo has brought back is cut to nothing'],
  ['appends', 'a line is added to what the undo has brought back', 'x\n'],
]

const meddledUndoes: Case[] = Object.entries(WRITERS).flatMap(([kind, input]) =>
  DURING_AN_UNDO.map(
    ([act, says, text]): Case => ({
      kind,
      says,
      make({ root, meddle }) {
        writeFileSync(join(root, 'a.json'), OLD)
        let at: (() => Promise<number | undefined>) | undefined
        return {
          actions: [{ kind, input }],
          holds: () => contentOf(root, 'a.json') === NEW,
          async undo() {
            const path = join(root, 'a.json')
            at = (await meddle({ path, when: { content: OLD }, act, ...defined({ text }), times: 5 })).at
          },
          meddling: { at: async () => at?.() },
        }
      },
    }),
  ),
)

/** What a file is besides its bytes, and what its rollback has to bring back. */
const METADATA: readonly [string, (path: string, root: string) => void][] = [
  ['a file that another user owns', (path) => chownSync(path, 1234, 5678)],
  ['a file that only its owner may read', (path) => chmodSync(path, 0o600)],
  ['a program, with its mode', (path) => chmodSync(path, 0o755)],
  ['a file that nobody may write', (path) => chmodSync(path, 0o444)],
  ['a program that runs as its owner', (path) => chmodSync(path, 0o4755)],
  ['a file with a second name in the same folder', (path, root) => linkSync(path, join(root, 'b.json'))],
  [
    'a file of a group that may write it',
    (path) => {
      chownSync(path, 0, 5678)
      chmodSync(path, 0o664)
    },
  ],
]

const writtenMetadata: Case[] = [
  ...Object.entries(WRITERS).map(([kind, input]) => ({ kind, input })),
  { kind: 'file.delete', input: { path: 'a.json' } },
  { kind: 'file.move', input: { from: 'a.json', to: 'c/d.json' } },
].flatMap(({ kind, input }) =>
  METADATA.map(
    ([says, act]): Case => ({
      kind,
      says: `its effect or its undo loses what else there is: ${says}`,
      needs: ({ root }) => (root ? undefined : 'only root can give files away'),
      make({ root }) {
        writeFileSync(join(root, 'a.json'), OLD)
        act(join(root, 'a.json'), root)
        // A program that runs as its owner does so no more once others have written to it, as the kernel has it.
        const about = (name: string): string => {
          const { mode, uid, gid } = lstatSync(join(root, name))
          return `${mode & 0o777} ${uid} ${gid}`
        }
        const was = about('a.json')
        return {
          actions: [{ kind, input }],
          holds: () =>
            kind === 'file.delete'
              ? !isFile(root, 'a.json')
              : kind === 'file.move'
                ? about('c/d.json') === was
                : contentOf(root, 'a.json') === NEW && about('a.json') === was,
          undo: true,
        }
      },
    }),
  ),
)

interface Meddled {
  kind: string
  says: string
  input: JsonObject
  path: string
  when: 'exists' | 'missing'
  act: Act
  text?: string
  holds(place: Place): boolean
}

const MOVE = { kind: 'file.move', input: { from: 'a.json', to: 'b.json' } }
const moved = ({ root }: Place): boolean => contentOf(root, 'b.json') === OLD && !isFile(root, 'a.json')
const COPY = { kind: 'file.copy', input: { from: 'a.json', to: 'b.json' } }
const copied = ({ root }: Place): boolean => contentOf(root, 'b.json') === OLD && contentOf(root, 'a.json') === OLD
const DELETE = { kind: 'file.delete', input: { path: 'a.json' } }
const gone = ({ root }: Place): boolean => lstatSync(join(root, 'a.json'), { throwIfNoEntry: false }) === undefined
const FOLDER = { kind: 'dir.create', input: { path: 'made' } }
const isFolder = ({ root }: Place): boolean =>
  lstatSync(join(root, 'made'), { throwIfNoEntry: false })?.isDirectory() === true

const MEDDLED: readonly Meddled[] = [
  {
    ...MOVE,
    says: 'somebody removes the file where it has come',
    path: 'b.json',
    when: 'exists',
    act: 'removes',
    holds: moved,
  },
  { ...MOVE, says: 'the moved file is cut to nothing', path: 'b.json', when: 'exists', act: 'truncates', holds: moved },
  {
    ...MOVE,
    says: 'the moved file is overwritten a moment later',
    path: 'b.json',
    when: 'exists',
    act: 'writes',
    text: 'x',
    holds: moved,
  },
  {
    ...MOVE,
    says: 'the moved file is renamed away',
    path: 'b.json',
    when: 'exists',
    act: 'renames away',
    holds: moved,
  },
  {
    ...MOVE,
    says: 'a folder takes the place of the moved file',
    path: 'b.json',
    when: 'exists',
    act: 'replaces by a folder',
    holds: moved,
  },
  {
    ...MOVE,
    says: 'a program writes the file again where it was',
    path: 'a.json',
    when: 'missing',
    act: 'writes',
    text: OLD,
    holds: moved,
  },
  {
    ...MOVE,
    says: 'a folder appears where the file was',
    path: 'a.json',
    when: 'missing',
    act: 'replaces by a folder',
    holds: (place) => moved(place) && gone(place),
  },
  { ...COPY, says: 'somebody removes the copy', path: 'b.json', when: 'exists', act: 'removes', holds: copied },
  { ...COPY, says: 'the copy is cut to nothing', path: 'b.json', when: 'exists', act: 'truncates', holds: copied },
  {
    ...COPY,
    says: 'the copy is overwritten a moment later',
    path: 'b.json',
    when: 'exists',
    act: 'writes',
    text: 'x',
    holds: copied,
  },
  { ...COPY, says: 'the copy is renamed away', path: 'b.json', when: 'exists', act: 'renames away', holds: copied },
  {
    ...COPY,
    says: 'a folder takes the place of the copy',
    path: 'b.json',
    when: 'exists',
    act: 'replaces by a folder',
    holds: copied,
  },
  {
    ...COPY,
    says: 'a link takes the place of the copy',
    path: 'b.json',
    when: 'exists',
    act: 'replaces by a link',
    text: OLD,
    holds: copied,
  },
  {
    ...DELETE,
    says: 'a program writes the file again at once',
    path: 'a.json',
    when: 'missing',
    act: 'writes',
    text: OLD,
    holds: gone,
  },
  {
    ...DELETE,
    says: 'a program writes another file of the name at once',
    path: 'a.json',
    when: 'missing',
    act: 'writes',
    text: 'x',
    holds: gone,
  },
  {
    ...DELETE,
    says: 'a folder appears under the name at once',
    path: 'a.json',
    when: 'missing',
    act: 'replaces by a folder',
    holds: gone,
  },
  {
    ...DELETE,
    says: 'a link appears under the name at once',
    path: 'a.json',
    when: 'missing',
    act: 'replaces by a link',
    text: OLD,
    holds: gone,
  },
  {
    ...FOLDER,
    says: 'somebody removes the folder as soon as it is there',
    path: 'made',
    when: 'exists',
    act: 'removes',
    holds: isFolder,
  },
  {
    ...FOLDER,
    says: 'a file takes the place of the folder',
    path: 'made',
    when: 'exists',
    act: 'replaces by a file',
    text: 'x',
    holds: isFolder,
  },
  {
    ...FOLDER,
    says: 'a link takes the place of the folder',
    path: 'made',
    when: 'exists',
    act: 'replaces by a link',
    text: 'x',
    holds: isFolder,
  },
  {
    ...FOLDER,
    says: 'somebody renames the folder away',
    path: 'made',
    when: 'exists',
    act: 'renames away',
    holds: isFolder,
  },
]

const meddledOthers: Case[] = MEDDLED.map(({ kind, says, input, path, when, act, text, holds }) => ({
  kind,
  says,
  async make(place) {
    const { root, meddle } = place
    writeFileSync(join(root, 'a.json'), OLD)
    const meddling = await meddle({
      path: join(root, path),
      when,
      act,
      ...defined({ text }),
      times: 3,
    })
    return { actions: [{ kind, input }], holds: () => holds(place), world: () => '', meddling }
  },
}))

export const files = {
  lies: [...meddledWrites, ...metUndoes, ...meddledUndoes, ...writtenMetadata, ...meddledOthers],
  ordinary: [] as Case[],
}
