// Codebases on a real file system and in real repositories, analysed by the handlers as the executor serves them.
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { temporaryFolder } from '@deed/local/temporary-folder'
import type { Handler } from '@deed/mesh/bus'
import { analyzeCodebase as analyzeContract, searchCode as searchContract } from '@deed/proto/code'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { git, HAS_GIT, withoutGit } from '../../test/test-repository.ts'
import { analyzeCodebase } from '../handlers/analyze-codebase.ts'
import { searchCode } from '../handlers/search-code.ts'
import { type Analyst, openAnalyst } from './analyst.ts'
import { ignoredReader } from './ignored-by-git.ts'
import type { Meanings } from './meanings.ts'
import { historyReader } from './read-history.ts'
import { openIndex } from './source-index.ts'

const SECRET = 'hunter2-correct-horse'

let executor: TestExecutor
let analyst: Analyst
const opened = new AsyncDisposableStack()

beforeAll(async () => {
  executor = opened.use(await testExecutor('secrets: { key: { env: THE_KEY } }', { THE_KEY: SECRET }))
  analyst = opened.use(openAnalyst(executor.world))
})
afterAll(() => opened.disposeAsync())

/** As where no agent runs. */
const noMeanings: Meanings = {
  ofWords: async () => ({ why: 'nobody answers' }),
  read: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}

const scope = (ms: number) =>
  ({ deadline: performance.now() + ms, signal: AbortSignal.timeout(ms) }) as Parameters<
    Handler<typeof analyzeContract>
  >[1]

async function analyze(path: string, { ms = 60_000, workspace }: { ms?: number; workspace?: string } = {}) {
  const handler = analyzeCodebase({
    world: executor.world,
    analyst,
    readHistory: historyReader(),
    readIgnored: ignoredReader(),
  })
  return analyzeContract.output.parse(await handler(analyzeContract.input.parse({ path, workspace }), scope(ms)))
}

async function search(words: string, path: string, lines = 3) {
  const handler = searchCode({ world: executor.world, analyst, meanings: noMeanings, readIgnored: ignoredReader() })
  return searchContract.output.parse(
    await handler(searchContract.input.parse({ words, path, lines }), scope(60_000) as never),
  )
}

/** Long enough ago that no file may have been written while it was read. */
const LONG_AGO = new Date('2024-01-01')

function write(path: string, text: string): void {
  executor.write(path, text)
}

const SHOP = {
  'shop/package.json': '{ "name": "shop", "private": true }',
  'shop/cart/package.json': '{ "name": "@shop/cart" }',
  'shop/cart/src/total.ts': `import { round } from './round.js'
import express from 'express'
/** What a basket costs. */
export function basketTotal(prices: number[], rate: number) {
  if (rate > 1 && prices.length > 0) return round(prices[0]!)
  for (const price of prices) if (price < 0) return 0
  return rate
}
`,
  'shop/cart/src/round.ts': 'export const round = (value: number) => Math.round(value)\n',
  'shop/cart/src/total.test.ts': "import { basketTotal } from './total.ts'\nbasketTotal([], 1)\n",
  'shop/api/package.json': '{ "name": "@shop/api" }',
  'shop/api/main.py': 'import os\nimport requests\n\nclass Api:\n    def handle(self):\n        return os.name\n',
  'shop/api/server.ts':
    "import { basketTotal } from '@shop/cart/total'\nexport class Server { listen() { return basketTotal } }\n",
}

describe('the analysis of a codebase', () => {
  it('has its languages, symbols, tests, parts with their imports, packages and complexity', async () => {
    for (const [path, text] of Object.entries(SHOP)) write(path, text)
    const found = await analyze('shop')
    expect(found.index).toMatchObject({ files: 8, read: 8, removed: 0, complete: true, stopped: null })
    expect(found.languages.find(({ language }) => language === 'TypeScript')).toMatchObject({ files: 4, parsed: true })
    expect(found.languages.find(({ language }) => language === 'Python')).toMatchObject({ symbols: 2, parsed: true })
    expect(found.languages.find(({ language }) => language === 'JSON')).toMatchObject({ parsed: false })
    expect(found.symbols.by_kind).toEqual({ function: 3, class: 2, method: 1 })
    expect(found.tests).toEqual({ files: 1, lines: 2 })
    const parts = Object.fromEntries(found.parts.map((part) => [part.path, part]))
    expect(parts['shop/api']).toMatchObject({ files: 3, imports: ['shop/cart'], imported_by: 0 })
    expect(parts['shop/cart']).toMatchObject({ imports: [], imported_by: 1 })
    expect(found.packages.map(({ name }) => name).sort()).toEqual(['express', 'requests'])
    // if, &&, for, if, and one for the function.
    expect(found.complexity.highest[0]).toEqual({
      ...{ path: 'shop/cart/src/total.ts', line: 4, symbol: 'basketTotal', complexity: 5 },
    })
    expect(found.summary).toContain('basketTotal')
    expect(found.cycles).toEqual([])
  })

  it('names parts that import each other', async () => {
    write('round/a/package.json', '{ "name": "a" }')
    write('round/b/package.json', '{ "name": "b" }')
    write('round/a/a.js', "import 'b'\n")
    write('round/b/b.js', "require('a')\n")
    expect((await analyze('round')).cycles).toEqual([['round/a', 'round/b']])
  })

  it('reads again only what has another content', async () => {
    write('again/one.ts', 'export const one = 1\n')
    write('again/two.ts', 'export const two = 2\n')
    write('again/three.ts', 'export const three = 3\n')
    expect((await analyze('again')).index.read).toBe(3)
    expect((await analyze('again')).index).toMatchObject({ files: 3, read: 0 })
    // Another time, and the same bytes.
    utimesSync(join(executor.root, 'again/one.ts'), LONG_AGO, LONG_AGO)
    write('again/two.ts', 'export const two = 3\n')
    rmSync(join(executor.root, 'again/three.ts'))
    expect((await analyze('again')).index).toMatchObject({ files: 2, read: 1, removed: 1 })
  })

  it('reads what has changed within one tick of the clock, with the same size and time', async () => {
    write('tick/a.ts', 'export const first = 1\n')
    await analyze('tick')
    write('tick/a.ts', 'export const other = 1\n')
    expect((await search('other', 'tick')).places.map(({ path }) => path)).toEqual(['tick/a.ts'])
    expect((await search('first', 'tick')).places).toEqual([])
  })

  it('is kept across a restart of the executor', async () => {
    write('kept/a.ts', 'export function remembered() {}\n')
    await analyze('kept')
    await using other = openAnalyst(executor.world)
    const handler = analyzeCodebase({
      world: executor.world,
      analyst: other,
      readHistory: historyReader(),
      readIgnored: ignoredReader(),
    })
    const found = await handler(analyzeContract.input.parse({ path: 'kept' }), scope(60_000))
    expect(found).toMatchObject({ index: { files: 1, read: 0 }, symbols: { total: 1 } })
  })

  it('is made again where its file is damaged', async () => {
    write('damaged/a.ts', 'export function whole() {}\n')
    await analyze('damaged')
    const folder = join(executor.world.dataFolder, 'source-indexes')
    await using other = await testExecutor()
    const copy = join(other.world.dataFolder, 'source-indexes')
    mkdirSync(copy, { recursive: true })
    for (const name of readdirSync(folder)) writeFileSync(join(copy, name), 'no database')
    await using again = openAnalyst({ ...executor.world, dataFolder: other.world.dataFolder })
    const handler = analyzeCodebase({
      world: executor.world,
      analyst: again,
      readHistory: historyReader(),
      readIgnored: ignoredReader(),
    })
    expect(await handler(analyzeContract.input.parse({ path: 'damaged' }), scope(60_000))).toMatchObject({
      index: { files: 1, read: 1, complete: true },
    })
  })

  it('is left as it is while another process has it', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'index.sqlite')
    openIndex(file)[Symbol.dispose]()
    const other = new DatabaseSync(file)
    other.exec("pragma journal_mode = delete; begin exclusive; insert into files (path, known) values ('a', '{}')")
    expect(() => openIndex(file, 10)).toThrow('database is locked')
    other.exec('commit')
    other.close()
    using index = openIndex(file)
    expect([...index.files.keys()]).toEqual(['a'])
  })

  it('says how much is left where the time ends, and continues there', async () => {
    for (let n = 0; n < 5; n++) write(`timely/file-${n}.ts`, `export const value${n} = ${n}\n`)
    // No time is left for reading after what the answer takes.
    const first = await analyze('timely', { ms: 2_000 })
    expect(first.index).toMatchObject({ complete: false, stopped: { why: 'time', left: 5 } })
    expect((await analyze('timely')).index).toMatchObject({ files: 5, read: 5, complete: true })
  })

  it('goes as far as it can with links, binaries, huge files, broken syntax and endless lines, and says where it stopped', async () => {
    write('odd/broken.ts', 'export function good() { return 1 }\nfunction bad( {\n')
    write('odd/long.js', `const x = "${'x'.repeat(30_000)}"\n`)
    write('odd/binary.ts', 'a\0b')
    write('odd/huge.ts', '')
    truncateSync(join(executor.root, 'odd/huge.ts'), 1_000_000_000)
    write('odd/deep.js', `${'('.repeat(6_000)}\n`)
    write('odd/node_modules/x/index.js', 'export const hidden = 1\n')
    write('odd/.ssh/id', 'key')
    write('odd/name.ts', 'export const named = 1\n')
    linkSync(join(executor.root, 'odd/name.ts'), join(executor.root, 'odd/second.ts'))
    symlinkSync('/etc/passwd', join(executor.root, 'odd/link.ts'))
    symlinkSync('.', join(executor.root, 'odd/round'))
    const found = await analyze('odd')
    expect(found.index.complete).toBe(true)
    const why = Object.fromEntries(found.left_out.map((one) => [one.why, one.examples]))
    expect(why['a symbolic link']).toEqual(['odd/link.ts', 'odd/round'])
    expect(why['larger than 1000000 bytes']).toEqual(['odd/huge.ts'])
    expect(why['not text']).toEqual(['odd/binary.ts'])
    expect(why['a hard link, or not a file']).toEqual(['odd/name.ts', 'odd/second.ts'])
    expect(why['a folder that tools make']).toEqual(['odd/node_modules'])
    expect(why['has a line of more than 20000 characters: only its words are known']).toEqual(['odd/long.js'])
    expect(found.broken.examples.find(({ path }) => path === 'odd/broken.ts')?.fault).toMatch(/^line 2/)
    expect(found.symbols.by_kind.function).toBe(1)
    expect((await search('key', 'odd')).places).toEqual([])
  })

  it.each([
    ['../outside', 'path_outside_workspace'],
    ['/etc', 'path_outside_workspace'],
    ['.ssh', 'protected_path'],
    ['nowhere', 'not_found'],
  ])('is refused of a folder that may not be read: %s', async (path, code) => {
    await expect(analyze(path)).rejects.toMatchObject({ code })
    await expect(search('x', path)).rejects.toMatchObject({ code })
  })

  it('is refused of a workspace that nobody configured', async () => {
    await expect(analyze('.', { workspace: '/etc' })).rejects.toMatchObject({ code: 'path_outside_workspace' })
    for (const workspace of ['other', '__proto__', 'constructor'])
      await expect(analyze('.', { workspace })).rejects.toMatchObject({ code: 'unknown_workspace' })
  })

  it.skipIf(!HAS_GIT)(`names what is complex and changes often, from the commits${withoutGit}`, async () => {
    const root = join(executor.root, 'versioned')
    mkdirSync(root)
    const run = (...args: string[]) => git({ ...executor, root }, ...args)
    run('init', '-q')
    for (const [n, names] of [['hot', 'cold'], ['hot'], ['hot']].entries()) {
      for (const name of names)
        write(`versioned/${name}.ts`, `export const ${name} = (a: number) => (a > ${n} ? 1 : 2)\n`)
      run('add', '-A')
      run('commit', '-q', '-m', `change ${n}`)
    }
    const found = await analyze('versioned')
    expect(found.history).toMatchObject({ commits: 3 })
    expect(found.hot_spots).toEqual([
      { path: 'versioned/hot.ts', commits: 3, complexity: 2 },
      { path: 'versioned/cold.ts', commits: 1, complexity: 2 },
    ])
  })
})

describe('the search of a codebase', () => {
  it('finds a function by the parts of its name and the words of its comment, and shows its line', async () => {
    for (const [path, text] of Object.entries(SHOP)) write(path, text)
    for (const words of ['total of a basket', 'what a basket costs', 'basketTotal']) {
      const { places, ranked_by } = await search(words, 'shop')
      expect(ranked_by).toBe('lexical')
      expect(places[0], words).toMatchObject({
        path: 'shop/cart/src/total.ts',
        symbol: 'basketTotal',
        kind: 'function',
      })
    }
    const { places } = await search('rate', 'shop', 1)
    expect(places[0]?.text.split('\n')).toHaveLength(1)
    expect(places[0]?.text).toContain('rate')
  })

  it('names the words that are nowhere', async () => {
    write('words/a.ts', 'export const apple = 1\n')
    expect(await search('apple zebra', 'words')).toMatchObject({
      unknown_words: ['zebra'],
      places: [{ path: 'words/a.ts' }],
    })
    expect(await search('zebra', 'words')).toMatchObject({ places: [], unknown_words: ['zebra'] })
    expect(await search('"*" OR (', 'words')).toMatchObject({ places: [] })
  })

  it('shows no secret and finds none', async () => {
    write('secrets/a.ts', `export const key = '${SECRET}' // the key of the shop\n`)
    write('secrets/.env', 'API_TOKEN=zanzibar-token\n')
    const { places } = await search('key of the shop', 'secrets')
    expect(places[0]?.text).toContain('[redacted]')
    for (const words of ['hunter2', 'horse', 'zanzibar']) expect((await search(words, 'secrets')).places).toEqual([])
    const stored = readdirSync(join(executor.world.dataFolder, 'source-indexes'), { recursive: true, encoding: 'utf8' })
    for (const name of stored) {
      const bytes = readFileSync(join(executor.world.dataFolder, 'source-indexes', name), 'latin1')
      expect(bytes).not.toContain('zanzibar')
      expect(bytes).not.toContain('hunter2')
    }
  })
})

describe.skipIf(!HAS_GIT)(`in a repository${withoutGit}`, () => {
  const analyzeIn = async (own: TestExecutor, kept: Analyst, path = '.') => {
    const reads = { readHistory: historyReader(), readIgnored: ignoredReader() }
    const handler = analyzeCodebase({ world: own.world, analyst: kept, ...reads })
    return analyzeContract.output.parse(await handler(analyzeContract.input.parse({ path }), scope(60_000)))
  }

  it('what .gitignore leaves out is neither read nor found, unless it is tracked; what is untracked is', async () => {
    await using own = await testExecutor()
    await using kept = openAnalyst(own.world)
    const search = async (words: string) => {
      const handler = searchCode({
        world: own.world,
        analyst: kept,
        meanings: noMeanings,
        readIgnored: ignoredReader(),
      })
      const found = await handler(searchContract.input.parse({ words }), scope(60_000) as never)
      return searchContract.output.parse(found).places.map(({ path }) => path)
    }
    own.write('.gitignore', 'generated/\n*.gen.js\n!kept.gen.js\n')
    own.write('sub/.gitignore', '/local.js\n')
    own.write('tracked.gen.js', 'export const followed = 1\n')
    git(own, 'init', '-q', '-b', 'main')
    git(own, 'add', '-f', '.')
    git(own, 'commit', '-q', '-m', 'first')
    own.write('generated/deep/a.js', 'export const quarantined = 1\n')
    own.write('b.gen.js', 'export const quarantined = 1\n')
    own.write('sub/local.js', 'export const quarantined = 1\n')
    own.write('kept.gen.js', 'export const preserved = 1\n')
    own.write('local.js', 'export const loosely = 1\n')
    const { left_out } = await analyzeIn(own, kept)
    expect(left_out.find(({ why }) => why === 'left out by .gitignore')).toEqual({
      ...{ why: 'left out by .gitignore', files: 3 },
      examples: expect.arrayContaining(['generated', 'b.gen.js', 'sub/local.js']),
    })
    expect(await search('quarantined')).toEqual([])
    expect(await search('followed')).toEqual(['tracked.gen.js'])
    expect(await search('preserved')).toEqual(['kept.gen.js'])
    expect(await search('loosely')).toEqual(['local.js'])
    expect((await analyzeIn(own, kept, 'sub')).index.files).toBe(1)
    // A file that begins to be ignored is gone from the index.
    own.write('.gitignore', 'local.js\n')
    expect(await search('loosely')).toEqual([])
    expect(await search('quarantined')).toEqual(['b.gen.js', 'generated/deep/a.js'])
  })

  it('whose configuration would run a program, everything is read, and the answer says why', async () => {
    await using own = await testExecutor()
    await using kept = openAnalyst(own.world)
    own.write('.gitignore', 'b.js\n')
    own.write('b.js', 'export const found = 1\n')
    git(own, 'init', '-q', '-b', 'main')
    git(own, 'config', 'filter.evil.clean', 'touch /tmp/run')
    const { left_out, index } = await analyzeIn(own, kept)
    expect(left_out.map(({ why }) => why)).toContainEqual(expect.stringContaining('.gitignore is not followed: '))
    expect(index.files).toBe(2)
  })
})
