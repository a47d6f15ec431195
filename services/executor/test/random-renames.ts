/**
 * Random renames in a repository with tests, judged without the executor: of a kept one the tests pass and its undo restores
 * the bytes; of any other the bytes are as they were. `node random-renames.ts <count> <seed>` prints the counts as JSON.
 */
import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseExecutionConfig } from '@deed/config/execution-config'
import { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { ts } from '@ts-morph/common'
import type { Context } from '../src/kind/kind.ts'
import { PROGRAM_FOLDERS } from '../src/processes/find-program.ts'
import { codeRefactor } from '../src/refactor/code-refactor.ts'
import { namesIn } from '../src/refactor/engine/find-declaration.ts'
import type { RefactorInput } from '../src/refactor/refactoring.ts'
import { unconfined } from '../src/sandbox/unconfined.ts'
import { blobsIn } from '../src/workspace/blobs.ts'

/** Packages that come with their tests, of which those are taken that need no other package. */
const PACKAGES = ['pino-std-serializers', '@pinojs/redact']
const TESTS_NEEDING_MORE = /require\('(?!\.|node:)/
const TEST_MS_MAX = 600_000

interface RenameCounts {
  readonly kept: number
  readonly restored: number
  /** Before anything was written. */
  readonly refused: number
  /** Each in a sentence: the world was not as it was said to be. */
  readonly wrong: string[]
}

/** @param seed equal seeds choose equal renames */
export async function randomRenames(count: number, seed: number): Promise<RenameCounts> {
  const folder = mkdtempSync(join(tmpdir(), 'deed-renames-'))
  try {
    const root = makeRepository(folder)
    if (!testsPass(root)) throw new Error('the tests of the repository fail before anything is renamed')
    const random = randomNumbers(seed)
    const counts = { kept: 0, restored: 0, refused: 0, wrong: [] as string[] }
    const declared = declarations(root)
    for (let index = 0; index < count; index++) {
      const { path, name, line } = declared[Math.floor(random() * declared.length)]!
      const other = declared[Math.floor(random() * declared.length)]!.name
      const to = random() < 0.25 && other !== name ? other : `renamed_${index}`
      const outcome = await renameOnce(root, folder, {
        operation: 'rename',
        path,
        symbol: name,
        line,
        to,
      })
      counts[outcome.is]++
      if (outcome.wrong !== undefined) counts.wrong.push(`${path}:${line} ${name} to ${to}: ${outcome.wrong}`)
    }
    return counts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function makeRepository(folder: string): string {
  const root = join(folder, 'app')
  const { resolve } = createRequire(import.meta.url)
  for (const name of PACKAGES) {
    const to = join(root, name)
    mkdirSync(to, { recursive: true })
    cpSync(dirname(resolve(`${name}/package.json`)), to, {
      recursive: true,
      filter: (path) =>
        !/\/(?:node_modules|benchmarks?|examples?|types|\.github)$/.test(path) &&
        !(/\.(?:test|spec)\.js$/.test(path) && TESTS_NEEDING_MORE.test(readFileSync(path, 'utf8'))),
    })
  }
  writeFileSync(join(root, 'package.json'), '{"scripts":{"test":"node --test"}}\n')
  return root
}

function declarations(root: string): { path: string; name: string; line: number }[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js') && !/(?:^|\/)test\//.test(path) && !path.endsWith('config.js'))
    .sort()
    .flatMap((path) => {
      const file = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ESNext, true)
      return namesIn(file).map(({ name }) => {
        const { line } = file.getLineAndCharacterOfPosition(name.getStart(file))
        return { path, name: name.text, line: line + 1 }
      })
    })
}

async function renameOnce(
  root: string,
  folder: string,
  input: RefactorInput,
): Promise<{ is: 'kept' | 'restored' | 'refused'; wrong?: string }> {
  const context = contextIn(root, folder, input)
  const was = bytesOf(root)
  const differs = () => (bytesOf(root) === was ? {} : { wrong: 'not restored to the byte' })
  try {
    const before = await codeRefactor.before(input, context)
    const effect = await codeRefactor.execute(input, context, before)
    const { outcome, observed } = await codeRefactor.observe!(input, context, before, effect)
    const pass = testsPass(root)
    await codeRefactor.compensate(input, context, before, effect.after as never)
    if (outcome !== 'verified') return { is: 'kept', wrong: observed }
    return pass ? { is: 'kept', ...differs() } : { is: 'kept', wrong: 'kept, and the tests fail' }
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    return { is: error.details?.restored ? 'restored' : 'refused', ...differs() }
  }
}

function contextIn(root: string, folder: string, input: RefactorInput): Context {
  const yaml = 'workspaces: { app: { root: ./app } }\ncommands: { allow: [npm] }'
  const config = parseExecutionConfig(yaml, { file: join(folder, 'execution.yaml') })
  const dataFolder = join(folder, 'data')
  return {
    world: {
      ...{ config, env: {}, dataFolder, protectedFiles: [] },
      blobs: blobsIn(join(dataFolder, 'snapshots')),
      sandbox: unconfined('allow-list'),
      databases: undefined as never,
    },
    actionId: randomUUID() as ActionId,
    action: Action.parse({ kind: 'code.refactor', input, timeout_ms: TEST_MS_MAX }),
    workspace: { root, base: [] },
    signal: AbortSignal.timeout(TEST_MS_MAX),
    begin() {},
    nothingDone() {},
    left() {},
    checkRight() {},
    resolveAbandoned: async () => undefined,
    writtenByOthers: async () => new Set(),
    doneBefore: async () => undefined,
  }
}

function testsPass(root: string): boolean {
  const env = { PATH: PROGRAM_FOLDERS.join(':') }
  try {
    execFileSync('npm', ['test'], { cwd: root, env, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Of every file: its name and its bytes. */
function bytesOf(root: string): string {
  const hash = createHash('sha256')
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true }).sort((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name)
    hash.update(`${path}\0`)
    if (entry.isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

if (import.meta.main) {
  const [count = '200', seed = '1'] = process.argv.slice(2)
  process.stdout.write(`${JSON.stringify(await randomRenames(Number(count), Number(seed)))}\n`)
}
