// Whatever an execution has done to a workspace until it fails, the undo of its actions in reverse order leaves every
// name, mode, byte and link as it was. UNDO_RUNS says how many executions are tried, UNDO_SEED which ones.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Action, WorkAct } from '@deed/proto/action'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'

const RUNS = Number(process.env.UNDO_RUNS ?? 10)
const SEED = Number(process.env.UNDO_SEED ?? Math.floor(Math.random() * 2 ** 31))
const RUN_MS_MAX = 30_000

/** Few names, so that actions meet what others have left. */
const name = fc.constantFrom('a', 'b', 'c')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const content = fc.oneof(
  fc.string({ maxLength: 20 }),
  // More than the ledger itself keeps.
  fc.constant(`${'\u0000 large '.repeat(6_000)}`),
)
const mode = fc.constantFrom(0o600, 0o644, 0o755, 0o4755, 0o444)
const folderMode = fc.constantFrom(0o700, 0o755, 0o1777, 0o500)

type Thing = { path: string } & (
  | { type: 'file'; content: string; mode: number }
  | { type: 'dir'; mode: number }
  | { type: 'link'; to: string }
  | { type: 'name'; of: string }
)
const thing: fc.Arbitrary<Thing> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('file' as const), path, content, mode }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('dir' as const), path, mode: folderMode }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('link' as const), path, to: fc.constantFrom('a', 'none', '../b') }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('name' as const), path, of: path }) },
)

/** One change that a program makes to the workspace; what cannot be done is passed over. */
const step = fc.oneof(
  fc.tuple(fc.constant('writeFileSync'), path, fc.string({ maxLength: 10 })),
  fc.tuple(fc.constant('rmSync'), path, fc.constant({ recursive: true })),
  fc.tuple(fc.constant('mkdirSync'), path, fc.constant({ recursive: true })),
  fc.tuple(fc.constant('symlinkSync'), fc.constantFrom('a', 'b/c', 'none'), path),
  fc.tuple(fc.constant('linkSync'), path, path),
  fc.tuple(fc.constant('renameSync'), path, path),
  fc.tuple(fc.constant('chmodSync'), path, mode),
)
const action: fc.Arbitrary<z.input<typeof Action>> = fc.oneof(
  fc.record({ path, content }).map((input) => ({ kind: 'file.write', input })),
  fc.record({ path, content, mode: fc.constantFrom('0600', '0755') }).map((input) => ({ kind: 'file.write', input })),
  fc
    .record({ path, text: fc.string({ minLength: 1, maxLength: 10 }) })
    .map((input) => ({ kind: 'file.append', input })),
  fc
    .record({ path, find: fc.constantFrom('a', ' '), replace: content, times: fc.constantFrom('all', 1) })
    .map((input) => ({
      kind: 'file.edit',
      input,
    })),
  fc.record({ from: path, to: path, overwrite: fc.boolean() }).map((input) => ({ kind: 'file.move', input })),
  fc.record({ from: path, to: path }).map((input) => ({ kind: 'file.copy', input })),
  fc.record({ path, recursive: fc.boolean() }).map((input) => ({ kind: 'file.delete', input })),
  path.map((one) => ({ kind: 'dir.create', input: { path: one } })),
  fc.tuple(path, fc.string({ maxLength: 10 })).map(([one, line]) => ({
    kind: 'file.patch',
    input: { path: one, diff: `--- /dev/null\n+++ b/${one}\n@@ -0,0 +1 @@\n+${line.replaceAll(/[\r\n]/g, ' ')}\n` },
  })),
  fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 5 }), code: fc.constantFrom(0, 0, 0, 1) }).map(program),
)

function program({ steps, code }: { steps: unknown[]; code: number }): z.input<typeof Action> {
  const script = `const fs = require('node:fs')
    for (const [name, ...given] of ${JSON.stringify(steps)}) try { fs[name](...given) } catch {}
    process.exit(${code})`
  return { kind: 'command.run', input: { argv: ['node', '-e', script] } }
}

/** How the last action of an execution ends. */
const ending = fc.constantFrom('as it does', 'as it does', 'before_effect' as const, 'after_effect' as const)

describe('an execution that fails', () => {
  let executor: TestExecutor
  let runs = 0
  beforeAll(async () => {
    executor = await testExecutor('commands: { allow: [node] }')
  })
  afterAll(() => executor[Symbol.asyncDispose]())

  it(
    `leaves the workspace to the byte as it met it (${RUNS} executions, seed ${SEED})`,
    async () => {
      const things = fc.array(thing, { maxLength: 8 })
      const actions = fc.array(action, { minLength: 1, maxLength: 6 })
      await fc.assert(
        fc.asyncProperty(things, actions, ending, async (given, wanted, end) => {
          const workspace = join(executor.root, `run-${runs++}`)
          mkdirSync(workspace)
          for (const one of given) put(workspace, one)
          const before = treeOf(workspace)
          const done: WorkAct[] = []
          for (const [index, one] of wanted.entries()) {
            const work = await executor.dispatch({ ...one, workspace }, { beside: done[0] })
            const isLast = index === wanted.length - 1
            done.push(work)
            if (isLast && end !== 'as it does') {
              await dies(executor, work, end)
              break
            }
            const conclusion = await executor.attempt(work)
            if (conclusion === 'stale' || conclusion.outcome === 'failed') break
          }
          for (const work of done.toReversed()) {
            expect(await executor.undo(work), `undo of ${JSON.stringify(work.action)}`).toMatchObject({
              outcome: 'done',
              evidence: { outcome: 'verified' },
            })
          }
          expect(treeOf(workspace)).toEqual(before)
          rmSync(workspace, { recursive: true })
        }),
        { numRuns: RUNS, seed: SEED },
      )
    },
    RUNS * RUN_MS_MAX,
  )
})

/** What cannot be made, since something else is in its way, is not. */
function put(workspace: string, thing: Thing): void {
  const at = join(workspace, thing.path)
  try {
    mkdirSync(join(at, '..'), { recursive: true })
    if (thing.type === 'link') return symlinkSync(thing.to, at)
    if (thing.type === 'name') return linkSync(join(workspace, thing.of), at)
    if (thing.type === 'file') writeFileSync(at, thing.content, { flag: 'wx' })
    else mkdirSync(at)
    chmodSync(at, thing.mode)
  } catch (error) {
    if (
      !['EEXIST', 'ENOTDIR', 'ENOENT', 'ELOOP', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
    )
      throw error
  }
}

/** A reading of its own, that shares nothing with what is tested. */
function treeOf(folder: string, below = '', names = new Map<number, string>()): Record<string, string> {
  const seen: Record<string, string> = {}
  for (const entry of readdirSync(join(folder, below)).sort()) {
    const inner = join(below, entry)
    const at = join(folder, inner)
    const stat = lstatSync(at)
    const bits = (stat.mode & 0o7777).toString(8)
    if (stat.isSymbolicLink()) seen[inner] = `link to ${readlinkSync(at)}`
    else if (stat.isDirectory()) Object.assign(seen, { [inner]: `dir ${bits}` }, treeOf(folder, inner, names))
    else {
      const first = names.get(stat.ino) ?? inner
      names.set(stat.ino, first)
      const hash = createHash('sha256').update(readFileSync(at)).digest('hex')
      seen[inner] = `file ${bits} ${hash}${first === inner ? '' : `, another name of ${first}`}`
    }
  }
  return seen
}
