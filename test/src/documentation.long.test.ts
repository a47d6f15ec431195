// The documentation is true: its links lead somewhere, its generated pages are fresh, and its code runs.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parseExecutionConfig } from '@deed/config/execution-config'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { runningMesh } from '@deed/local/connection-file'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { SERVICES } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import { CALLERS } from '@deed/proto/permissions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GENERATED } from '../docs/generated.ts'
import { anchorsOf, type Block, blocksOf, linksOf, PAGES, ROOT, read } from './markdown.ts'

/** Languages that can be run or checked; a block of one of them says what is done with it. */
const CHECKED = new Set(['sh', 'js', 'ts', 'python', 'yaml'])
const MARK = /^(run|run last|run needs \S+|from \S+|execution\.yaml|not-run: .+)$/
const BLOCK_MS_MAX = 120_000
const WALK_FILES_MAX = 40
const README_LINES_MAX = 110

const pages = PAGES.filter((page) => existsSync(join(ROOT, page)))
const blocks = pages.flatMap(blocksOf)

describe('the pages', () => {
  it('are found', () => expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/nats.md'])))

  it.each(pages)('link only to what exists: %s', (page) => {
    const broken = linksOf(page).filter(
      ({ path, anchor }) =>
        !existsSync(join(ROOT, path)) || (anchor !== '' && path.endsWith('.md') && !anchorsOf(path).has(anchor)),
    )
    expect(broken).toEqual([])
  })

  it.each(pages)('import only what exists: %s', (page) => {
    const missing = [...read(page).matchAll(/@deed\/([a-z-]+)\/([a-z][a-z0-9/-]*[a-z0-9])/g)].filter(
      ([, name, module]) =>
        ['', 'libs', 'services'].every((parent) => !existsSync(join(ROOT, parent, `${name}`, 'src', `${module}.ts`))),
    )
    expect(missing.map(([specifier]) => specifier)).toEqual([])
  })

  it('of README.md fit on two screens', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(README_LINES_MAX)
  })

  it('describe each service and each lib', () => {
    const folders = pages.filter((page) => /^(libs|services)\/[^/]+\/README\.md$/.test(page)).map(dirname)
    expect(folders.sort()).toEqual(workspaceFolders())
  })

  it.each(SERVICES)('of the service %s names all that it answers, and all of its tables', (service) => {
    const page = read(`services/${service}/README.md`)
    const named = (subject: string) =>
      page.includes(`\`${subject}\``) || page.includes(`\`${subject.slice(0, subject.indexOf('.'))}.*\``)
    const answered = CONTRACTS.filter(({ type, owner }) => type === 'request' && owner === service)
    expect(answered.map(({ subject }) => subject).filter((subject) => !named(subject))).toEqual([])
    const migrations = globSync(`services/${service}/src/store/migrations/*.ts`, { cwd: ROOT }).map(read).join('\n')
    const tables = [...migrations.matchAll(/create (?:unlogged )?table (\w+)/g)].map(([, table]) => table)
    expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([])
  })

  it.each(Object.entries(GENERATED))('are as the code has it: %s (else `npm run docs`)', (file, page) => {
    expect(read(file)).toBe(page())
  })
})

describe('ARCHITECTURE.md', () => {
  const walk = read('ARCHITECTURE.md').slice(read('ARCHITECTURE.md').indexOf('## One request'))
  const files = [...new Set([...walk.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file = '']) => file))]

  it('follows one request through at most 40 files, all of which exist', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.length).toBeLessThanOrEqual(WALK_FILES_MAX)
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })

  it('has every package on its map', () => {
    const map = read('ARCHITECTURE.md')
    expect(workspaceFolders().filter((folder) => !map.includes(`\`${folder}/\``))).toEqual([])
  })
})

describe('the code blocks', () => {
  const checked = blocks.filter(({ language }) => CHECKED.has(language))

  it('say whether they are run', () => {
    expect(checked.filter(({ mark }) => !MARK.test(mark)).map(({ at, mark }) => `${at} ${mark}`)).toEqual([])
  })

  it.each(checked.filter(({ mark }) => mark.startsWith('from ')))('$at is $mark', ({ mark, text }) => {
    // A part of a file may be indented less here than it is there.
    const lines = (whole: string) => whole.replace(/^ +/gm, '')
    expect(lines(read(mark.slice('from '.length)))).toContain(lines(text))
  })

  it.each(checked.filter(({ mark }) => mark === 'execution.yaml'))('$at is a valid configuration', ({ text }) => {
    expect(() => parseExecutionConfig(text)).not.toThrow()
  })
})

describe('the code blocks that run', () => {
  const opened = new AsyncDisposableStack()
  let root: string

  beforeAll(() => {
    root = opened.use(temporaryFolder()).path
    mkdirSync(join(root, 'bin'))
    writeFileSync(join(root, 'bin/deed'), `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`, { mode: 0o755 })
  })
  afterAll(async () => {
    for (const folder of ['readme', 'my-project']) {
      if (runningMesh(join(root, folder, '.deed'))) await run({ language: 'sh', text: 'deed down' }, folder)
    }
    await opened.disposeAsync()
  })

  /** @throws with its output, where it fails */
  async function run({ language, text }: Pick<Block, 'language' | 'text'>, folder: string): Promise<void> {
    const project = join(root, folder)
    mkdirSync(project, { recursive: true })
    const [program = '', ...args] = {
      sh: ['bash', '--norc', '-euo', 'pipefail', '-c', text],
      js: [process.execPath, '--input-type=module', '--eval', text],
      python: ['python3', '-c', text],
    }[language] ?? ['false']
    const PATH = `${join(root, 'bin')}:${process.env.PATH}`
    await promisify(execFile)(program, args, {
      // A snippet in JavaScript finds the package nats where it runs.
      cwd: language === 'js' ? ROOT : project,
      env: { PATH, HOME: root, NO_COLOR: '1', ...connectionTo(project) },
      timeout: BLOCK_MS_MAX,
    })
  }

  // The README begins a mesh of its own. The quick start begins the other one, on which all other pages go on.
  const rank = ({ at, mark }: Block) => (mark === 'run last' ? 2 : at.startsWith('docs/quick-start.md') ? 0 : 1)
  for (const block of blocks.filter(({ mark }) => mark.startsWith('run')).toSorted((a, b) => rank(a) - rank(b))) {
    const missing = lacking(block.mark)
    const why = missing === undefined ? '' : ` (skipped: there is no ${missing} here)`
    it.skipIf(missing !== undefined)(`${block.at} runs${why}`, () =>
      run(block, block.at.startsWith('README.md') ? 'readme' : 'my-project'),
    )
  }
})

/** What a reader is told to set before the examples over NATS; empty before the mesh of this folder runs. */
function connectionTo(project: string): Record<string, string> {
  const mesh = runningMesh(join(project, '.deed'))
  if (!mesh) return {}
  const passwords = CALLERS.map(({ name }) => [`${name.toUpperCase()}_PASSWORD`, mesh.users[name] ?? ''])
  return { MESH_URL: mesh.nats_url, ...Object.fromEntries(passwords) }
}

/** The program that a block needs and this machine does not have. */
function lacking(mark: string): string | undefined {
  const [, program] = /^run needs (\S+)$/.exec(mark) ?? []
  if (program === undefined) return undefined
  const probe = program === 'nats-py' ? ['python3', '-c', 'import nats'] : ['sh', '-c', `command -v ${program}`]
  return spawnSync(probe[0] as string, probe.slice(1)).status === 0 ? undefined : program
}

function workspaceFolders(): string[] {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, unknown> }
  return Object.keys(packages)
    .filter((path) => /^(libs|services)\/[^/]+$/.test(path))
    .sort()
}
