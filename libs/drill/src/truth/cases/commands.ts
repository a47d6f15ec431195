/** Commands that claim, half do, or undo what they did; and what their rollback has to bring back. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@deed/json/canonical-json'
import type { Json } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { contentOf } from '../outside.ts'

const kind = 'command.run'
const OUT = 'result of the work\n'
const FILE = { kind: 'file', path: 'out.txt' }
const WHOLE = { ...FILE, sha256: sha256(Buffer.from(OUT)) }
const RESULT = `printf 'result of the work\\n'`
const isWhole = (root: string): boolean =>
  lstatSync(join(root, 'out.txt'), { throwIfNoEntry: false })?.isFile() === true && contentOf(root, 'out.txt') === OUT

/** Each ends with 0 and says that it made `out.txt`; none has, as asked for. */
const CLAIMS: readonly [string, string, Json][] = [
  ['a command says that it wrote a file, and did nothing', 'echo "wrote out.txt"', FILE],
  ['a command writes half of the file', `printf 'result of' > out.txt`, WHOLE],
  ['a command writes the file under another name', `${RESULT} > output.txt`, FILE],
  ['a command writes the file in a folder below', `mkdir -p d; ${RESULT} > d/out.txt`, FILE],
  ['a command writes the file in its temporary folder', `${RESULT} > /tmp/out.txt`, FILE],
  ['a command writes the file, and removes it again', `${RESULT} > out.txt; rm out.txt`, FILE],
  ['a command writes the file empty', ': > out.txt', { ...FILE, contains: 'result' }],
  ['a command makes a folder where a file is wanted', 'mkdir out.txt', FILE],
  ['a command leaves a link that leads nowhere', 'ln -s nowhere out.txt', FILE],
  ['a command leaves a link to a file that is as wanted', `${RESULT} > real.txt; ln -s real.txt out.txt`, WHOLE],
  ['a command leaves a link to a file of the system', 'ln -s /etc/hostname out.txt', FILE],
  ['a command leaves a named pipe', 'mkfifo out.txt', FILE],
  [
    'the first part of a pipe fails, and the last ends well',
    `sh -c 'exit 3' | cat > out.txt`,
    { ...FILE, contains: 'result' },
  ],
  ['an error is swallowed by `|| true`', 'cat missing > out.txt || true', { ...FILE, contains: 'result' }],
  ['a trap turns a failure into exit code 0', `trap 'exit 0' EXIT; false; exit 9`, FILE],
  ['a later command hides the exit code of the one that failed', 'cp missing out.txt; echo ok', FILE],
  ['a command writes with other ends of lines', `printf 'result of the work\\r\\n' > out.txt`, WHOLE],
  ['a command writes in capitals', `${RESULT} | tr a-z A-Z > out.txt`, WHOLE],
  ['a command writes one byte too much', `${RESULT} > out.txt; printf x >> out.txt`, WHOLE],
  ['a command writes a zero byte in between', `printf 'result\\0of the work\\n' > out.txt`, WHOLE],
  ['a command writes the name in other case', `${RESULT} > OUT.txt`, FILE],
  ['a command writes a name with a space behind it', `${RESULT} > 'out.txt '`, FILE],
  [
    'a child writes the file later, when the command has ended',
    `(sleep 1; ${RESULT} > out.txt) > /dev/null 2>&1 & echo begun`,
    FILE,
  ],
  [
    'a child with a session of its own removes the file when the command has ended',
    `${RESULT} > out.txt; rm out.txt; (setsid sh -c 'sleep 2') > /dev/null 2>&1 &`,
    FILE,
  ],
  [
    'a command writes the file with another mode than wanted',
    `${RESULT} > out.txt; chmod 666 out.txt`,
    { ...WHOLE, mode: '0600' },
  ],
  [
    'a command that should remove the file empties it',
    ': > gone.txt',
    { kind: 'file', path: 'gone.txt', exists: false },
  ],
  [
    'a command that should remove the file renames it back',
    'mv gone.txt x; mv x gone.txt',
    { kind: 'file', path: 'gone.txt', exists: false },
  ],
  ['a command that should make a folder makes a file', 'touch made', { kind: 'dir', path: 'made' }],
  ['a command that should remove a folder empties it', 'rm -f kept/*', { kind: 'dir', path: 'kept', exists: false }],
  [
    'a build says "up to date" and leaves the old file',
    'echo "Nothing to be done for all."',
    { kind: 'file', path: 'built.txt', changed: true },
  ],
  [
    'a build touches the file and leaves its bytes',
    'touch built.txt',
    { kind: 'file', path: 'built.txt', changed: true },
  ],
  [
    'a build writes the same bytes again',
    'cp built.txt x; mv x built.txt',
    { kind: 'file', path: 'built.txt', changed: true },
  ],
  [
    'of two files that are wanted, one is written',
    `${RESULT} > out.txt`,
    { kind: 'all', of: [FILE, { kind: 'file', path: 'second.txt' }] },
  ],
  [
    'none of several results that would do is there',
    'echo done',
    { kind: 'any', of: [FILE, { kind: 'file', path: 'second.txt' }] },
  ],
  [
    'what must not be there is there',
    `${RESULT} > out.txt; touch out.lock`,
    { kind: 'all', of: [FILE, { kind: 'not', of: [{ kind: 'file', path: 'out.lock' }] }] },
  ],
  ['a command prints JSON that says success', `echo '{"success":true,"file":"out.txt"}'`, FILE],
  ['a command prints what Deed would print', 'echo "done: verified, out.txt has 19 bytes"', FILE],
  ['a file has broken JSON', `printf '{"a": 1' > out.json`, { kind: 'file', path: 'out.json', syntax: 'json' }],
  [
    'a script that is made does not parse',
    `printf 'if true; then' > out.sh`,
    { kind: 'file', path: 'out.sh', syntax: 'bash' },
  ],
  [
    'a posting command reaches no server, and ends well',
    'curl -s http://127.0.0.1:9/ || true',
    { kind: 'http', target: 'web', path: '/honest/nobody' },
  ],
  [
    'nothing listens where a server was said to be started',
    'echo listening on 9',
    { kind: 'tcp', host: '127.0.0.1', port: 9 },
  ],
  [
    'a row was said to be written',
    'echo INSERT 0 1',
    { kind: 'sql', target: 'db', query: 'select 1 where false', rows_min: 1 },
  ],
]

const claims = CLAIMS.map(
  ([says, script, verify]): Case => ({
    kind,
    says,
    make({ root }) {
      writeFileSync(join(root, 'gone.txt'), 'x')
      writeFileSync(join(root, 'built.txt'), 'old build\n')
      mkdirSync(join(root, 'kept'))
      writeFileSync(join(root, 'kept', '.hidden'), 'x')
      return { actions: [{ kind, input: { argv: ['sh', '-c', script] }, verify }], holds: () => false }
    },
  }),
)

/** Each ends badly, though its work may be there: never a success. */
const ENDS: readonly [string, string][] = [
  ['a command does its work and ends with 1', `${RESULT} > out.txt; exit 1`],
  ['a command does its work and is killed', `${RESULT} > out.txt; kill -9 $$`],
  ['a command does half and is ended by SIGTERM', `printf half > out.txt; kill -15 $$`],
  ['a command does half and crashes', `printf half > out.txt; kill -11 $$`],
  ['a command ends with 127 since its program is missing', 'no-such-program > out.txt'],
  ['a command ends with 126 since its script may not run', 'touch x; ./x'],
  ['a command ends with 255', 'exit 255'],
  ['a command ends with 137, as if it had been killed', 'exit 137'],
  ['a command says success on standard error and ends with 2', 'echo success >&2; exit 2'],
  ['set -e ends a script in the middle', `set -e; printf half > out.txt; false; ${RESULT} > out.txt`],
]

const ends = ENDS.map(
  ([says, script]): Case => ({
    kind,
    says,
    make: () => ({ actions: [{ kind, input: { argv: ['sh', '-c', script] } }], holds: () => false }),
  }),
)

interface Undone {
  says: string
  script: string
  given?(root: string): void
  root?: true
}

/** What a command does to files that a rollback has to take back, to the byte. */
const UNDONE: readonly Undone[] = [
  { says: 'makes a file', script: 'echo x > made' },
  { says: 'changes a file', script: 'echo x >> a.txt' },
  { says: 'removes a file', script: 'rm a.txt' },
  { says: 'renames a file', script: 'mv a.txt b.txt' },
  { says: 'exchanges two files', script: 'echo b > b.txt; mv a.txt x; mv b.txt a.txt; mv x b.txt' },
  { says: 'makes a name that is no UTF-8', script: `printf x > "$(printf 'caf\\351.txt')"` },
  {
    says: 'makes a folder whose name is no UTF-8',
    script: `mkdir "$(printf 'd\\377')"; echo x > "$(printf 'd\\377')/in"`,
  },
  {
    says: 'removes names that are no UTF-8',
    script: 'find d -type f -delete',
    given(root) {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/d/caf`), Buffer.from([0xe9])]), 'x')
      writeFileSync(join(root, 'd', 'plain'), 'y')
    },
  },
  { says: 'makes a name with a line break', script: `printf x > "$(printf 'a\\nb')"` },
  {
    says: 'makes names in both forms of an accent',
    script: `printf 1 > "$(printf 'e\\314\\201')"; printf 2 > "$(printf '\\303\\251')"`,
  },
  { says: 'changes modes', script: 'chmod 777 a.txt; chmod 700 d/e' },
  { says: 'removes the right to write', script: 'chmod 400 a.txt; chmod 500 d' },
  { says: 'removes a whole tree', script: 'rm -rf d' },
  { says: 'makes a tree of folders', script: 'mkdir -p n/e/w/er; echo x > n/e/w/er/f' },
  { says: 'makes empty folders', script: 'mkdir -p n/empty' },
  { says: 'removes an empty folder', script: 'rmdir d/empty' },
  { says: 'makes a link', script: 'ln -s a.txt l' },
  { says: 'turns a link to another file', script: 'ln -sfn b.txt link' },
  { says: 'removes a link that leads nowhere', script: 'rm dangling' },
  { says: 'makes a file of a folder', script: 'rm -r d; echo x > d' },
  { says: 'makes a folder of a file', script: 'rm a.txt; mkdir a.txt; echo x > a.txt/in' },
  { says: 'makes a link of a file', script: 'mv a.txt z; ln -s z a.txt' },
  { says: 'makes a named pipe', script: 'mkfifo pipe' },
  { says: 'gives a file a second name', script: 'ln a.txt second' },
  {
    says: 'writes into one of two names of a file',
    script: 'echo x >> one',
    given: (root) => {
      writeFileSync(join(root, 'one'), '1')
      linkSync(join(root, 'one'), join(root, 'two'))
    },
  },
  {
    says: 'parts two names of a file',
    script: 'cp one x; mv x one',
    given: (root) => {
      writeFileSync(join(root, 'one'), '1')
      linkSync(join(root, 'one'), join(root, 'two'))
    },
  },
  {
    says: 'rewrites a file of another owner',
    script: 'cp own x; echo y >> x; cat x > own; rm x',
    root: true,
    given: (root) => {
      writeFileSync(join(root, 'own'), '1')
      chmodSync(join(root, 'own'), 0o666)
      chownSync(join(root, 'own'), 1234, 5678)
    },
  },
  {
    says: 'replaces a file of another owner',
    script: 'cp own x; echo y >> x; mv -f x own',
    root: true,
    given: (root) => {
      writeFileSync(join(root, 'own'), '1')
      chownSync(join(root, 'own'), 1234, 5678)
    },
  },
  { says: 'changes an empty file', script: 'echo x > empty' },
  { says: 'empties a file', script: ': > a.txt' },
  {
    says: 'grows a sparse file',
    script: 'echo x >> sparse',
    given: (root) => {
      writeFileSync(join(root, 'sparse'), '')
      truncateSync(join(root, 'sparse'), 2 ** 30)
    },
  },
  { says: 'makes a thousand files', script: 'mkdir many; for i in $(seq 1000); do echo $i > many/$i; done' },
  { says: 'makes a hidden file', script: 'echo x > .hidden' },
  { says: 'changes bytes that are no text', script: `printf '\\000\\377' >> bytes` },
  { says: 'swaps the case of a name', script: 'mv a.txt A.TXT' },
  { says: 'works in a folder below', script: 'cd d && echo x > ../up && rm ../a.txt' },
]

function furnish(root: string): void {
  writeFileSync(join(root, 'a.txt'), 'first\nsecond\n')
  mkdirSync(join(root, 'd', 'empty'), { recursive: true })
  mkdirSync(join(root, 'd', 'e'))
  writeFileSync(join(root, 'd', 'e', 'f'), 'deep', { mode: 0o600 })
  writeFileSync(join(root, 'empty'), '')
  writeFileSync(join(root, 'bytes'), Buffer.from([0, 255, 13, 10]))
  symlinkSync('a.txt', join(root, 'link'))
  symlinkSync('nowhere', join(root, 'dangling'))
}

const undone = UNDONE.flatMap(({ says, script, given, root: needsRoot }): Case[] => {
  const needs: Case['needs'] = needsRoot && (({ root }) => (root ? undefined : 'only root can give files away'))
  const before = (root: string): void => {
    furnish(root)
    given?.(root)
  }
  return [
    {
      kind,
      says: `the rollback of a command that ${says} is not whole`,
      ...(needs ? { needs } : {}),
      make({ root }) {
        before(root)
        return { actions: [{ kind, input: { argv: ['sh', '-c', script] } }], holds: () => true, undo: true }
      },
    },
    {
      kind,
      says: `a command ${says}, then fails, and leaves traces`,
      ...(needs ? { needs } : {}),
      make({ root }) {
        before(root)
        return { actions: [{ kind, input: { argv: ['sh', '-c', `${script}\nexit 1`] } }], holds: () => false }
      },
    },
  ]
})

const FOUND_SINCE: readonly [string, (root: string) => void][] = [
  ['somebody has edited what it made', (root) => writeFileSync(join(root, 'made'), 'edited')],
  ['somebody has put a file into the folder that it made', (root) => writeFileSync(join(root, 'n', 'mine'), 'x')],
  ['somebody has changed what it changed', (root) => writeFileSync(join(root, 'a.txt'), 'mine')],
  ['somebody has changed the mode of what it changed', (root) => chmodSync(join(root, 'a.txt'), 0o600)],
]

const metUndoes = FOUND_SINCE.map(
  ([says, since]): Case => ({
    kind,
    says: `the undo of a command meets: ${says}`,
    make({ root }) {
      furnish(root)
      const argv = ['sh', '-c', 'echo x > made; mkdir n; echo x >> a.txt']
      return { actions: [{ kind, input: { argv } }], holds: () => true, undo: () => since(root) }
    },
  }),
)

/** What people run every day. `made`: a file that has to be there. */
const EVERYDAY: readonly [string, string[], string?][] = [
  ['disk space is read', ['df', '-h']],
  ['the time is read', ['date', '-u']],
  ['a folder is listed', ['ls', '-la']],
  ['files are counted', ['sh', '-c', 'find . -type f | wc -l']],
  ['a text is searched', ['grep', '-rn', 'first', '.']],
  ['a file is copied', ['cp', 'a.txt', 'b.txt'], 'b.txt'],
  ['a file is sorted', ['sort', '-o', 'sorted.txt', 'a.txt'], 'sorted.txt'],
  ['a file is replaced in place', ['sed', '-i', 's/first/1st/', 'a.txt']],
  ['a file is compressed', ['gzip', '-k', 'a.txt'], 'a.txt.gz'],
  ['an archive is made', ['tar', 'czf', 'all.tgz', 'a.txt', 'd'], 'all.tgz'],
  ['a checksum is written', ['sh', '-c', 'sha256sum a.txt > a.sum'], 'a.sum'],
  ['a folder is made with its parents', ['mkdir', '-p', 'x/y/z'], 'x/y/z'],
  ['a script of the project is run', ['sh', 'run.sh'], 'from-script'],
  ['a program reads standard input', ['sh', '-c', 'cat > in.txt'], 'in.txt'],
  ['a temporary file is used', ['sh', '-c', 't=$(mktemp); echo x > $t; cp $t kept.txt; rm $t'], 'kept.txt'],
  ['a command with quotes and dollars', ['sh', '-c', `echo "it's \\$5" > price.txt`], 'price.txt'],
  ['a command prints a lot', ['sh', '-c', 'seq 100000']],
  ['a command prints nothing', ['true']],
  ['a command prints bytes that are no text', ['head', '-c', '64', '/dev/urandom']],
  ['a command warns on standard error', ['sh', '-c', 'echo careful >&2']],
  ['a command of a second', ['sleep', '1']],
  ['node is run', ['node', '-e', "require('fs').writeFileSync('n.txt', 'x')"], 'n.txt'],
  ['a link is made', ['ln', '-s', 'a.txt', 'latest'], 'latest'],
  ['a mode is set', ['chmod', '600', 'a.txt']],
  ['a diff is made', ['sh', '-c', 'cp a.txt b; echo x >> b; diff a.txt b > c.diff || [ $? = 1 ]'], 'c.diff'],
  ['old files are removed', ['find', 'd', '-name', 'f', '-delete']],
]

const everyday = EVERYDAY.map(
  ([what, argv, made]): Case => ({
    kind,
    says: `${what}, and undone`,
    make({ root }) {
      furnish(root)
      writeFileSync(join(root, 'run.sh'), 'echo x > from-script\n')
      return {
        actions: [{ kind, input: { argv, ...(argv[2] === 'cat > in.txt' ? { stdin: 'typed' } : {}) } }],
        holds: () => made === undefined || existsSync(join(root, made)),
        undo: true,
      }
    },
  }),
)

const proven: Case[] = [
  ['its content is proven by its hash', `${RESULT} > out.txt`, WHOLE],
  ['its mode is proven', `${RESULT} > out.txt; chmod 600 out.txt`, { ...FILE, mode: '0600' }],
  ['its words are proven', `${RESULT} > out.txt`, { ...FILE, contains: 'of the work' }],
  ['one of two results is proven', `${RESULT} > out.txt`, { kind: 'any', of: [FILE, { kind: 'file', path: 'other' }] }],
  [
    'both of two results are proven',
    `${RESULT} > out.txt; mkdir made`,
    { kind: 'all', of: [FILE, { kind: 'dir', path: 'made' }] },
  ],
].map(([what, script, verify]) => ({
  kind,
  says: `a command writes a file, and ${what}`,
  make: ({ root }) => ({
    actions: [{ kind, input: { argv: ['sh', '-c', script as string] }, verify: verify as Json }],
    holds: () => isWhole(root),
    undo: true as const,
  }),
}))

export const commands = {
  lies: [...claims, ...ends, ...undone, ...metUndoes],
  ordinary: [...everyday, ...proven],
}
