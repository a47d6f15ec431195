/**
 * code.refactor: changes the structure of TypeScript or JavaScript, and keeps the change only where the project's own tests
 * pass with it. Otherwise the workspace is restored to the byte. What the tests leave behind is removed in both cases.
 */
import { counted } from '@deed/config/counted'
import { canonicalJson, hashJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { type CommandAfter, type CommandBefore, type CommandRun, commandRun } from '../commands/command-run.ts'
import { parseSummary, type TestCounts } from '../commands/parse-summary.ts'
import { bringBack } from '../files/bring-back.ts'
import {
  atRoot,
  changeFiles,
  changesOf,
  type FileChanges,
  type FilesBefore,
  keepFiles,
  unfinishedFile,
} from '../files/file-changes.ts'
import { refusePut, refuseRemoval } from '../files/refuse-unchangeable.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import type { Changes, Entry } from '../files/tree.ts'
import { unifiedDiff } from '../files/unified-diff.ts'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { parses } from '../syntax/parses.ts'
import { planRefactoring } from './plan-refactoring.ts'
import { RefactorInput } from './refactoring.ts'

type RefactorBefore = CommandBefore & FilesBefore & { places: number }

/** What an inspection shows: it keeps no bytes. */
const planned = new WeakMap<RefactorBefore, FileChanges>()

export const codeRefactor: Kind<RefactorInput, RefactorBefore, CommandAfter> = {
  name: 'code.refactor',
  version: 1,
  input: RefactorInput,
  // Where an attempt died, the change is made whole and the tests run again.
  idempotent: true,
  example: { operation: 'rename', path: 'src/price.ts', symbol: 'total', to: 'sum' },
  effectOf: () => 'change',
  summary: (input, before) => {
    const where = before ? ` (${places(before.places)})` : ''
    return `${describe(input)}${where}, kept only if the tests pass: ${TESTS.argv.join(' ')}`
  },
  async before(input, context) {
    const script = declaredTests(context)
    const { tree, unkept } = await commandRun.before(TESTS, context)
    if (tree === null)
      throw new DeedError(
        'limit_exceeded',
        `nothing is refactored in a workspace that is too large to be restored: ${unkept}. Name logs, caches and builds with ignore in execution.yaml, or raise rollback.snapshot_max_mb`,
      )
    const { files, places } = await planRefactoring(input, context)
    const before = await keepFiles(files, context, (met) => ({
      ...{ tree, places, state: `files:${hashJson({ met, script })}` },
    }))
    planned.set(before, files)
    return before
  },
  refuse(_, context, before) {
    for (const [path, { is }] of Object.entries(changesOf(before, context))) {
      if (is) refusePut(atRoot(context), path)
      else refuseRemoval(atRoot(context), path)
    }
  },
  reversibility: () => 'reversible',
  mayHoldAlready: () => false,
  resolves: (_, world, signal) => commandRun.resolves!(TESTS, world, signal),
  confinement: (_, { sandbox }) => sandbox.name,
  postcondition: () => ({ kind: 'own_observation' }),
  async observe(_, context, before, effect): Promise<Seen> {
    const tests = effect?.facts?.tests as TestCounts | undefined
    if (!effect || !tests) return unverified('no run of the tests of this attempt has ended')
    const other = await unfinishedFile(before, context)
    if (other !== undefined) return failed(`${other} is not as the refactoring leaves it`)
    const broken = await unparsedFile(before, context)
    if (broken !== undefined) return failed(broken)
    const count = Object.keys(changesOf(before, context)).length
    return verified(
      `each of ${counted(count, 'file')} has the bytes of the refactoring and parses as before, and the tests ended with 0: ${sentence(tests)}`,
    )
  },
  async execute(input, context, before) {
    const diff = diffOf(before, context)
    let effect: Effect
    try {
      await changeFiles(before, context)
      effect = await commandRun.execute(TESTS, context, before)
    } catch (error) {
      // Without the right to act, nothing may be restored either; the next attempt observes what is there.
      const lost = error instanceof DeedError && (error.code === 'lease_lost' || error.code === 'cancelled')
      if (lost || context.signal.aborted) throw error
      await restore(context, before)
      throw error
    }
    const { stdout = '', stderr = '' } = effect.result.data as { stdout?: string; stderr?: string }
    const tests = parseSummary(`${stdout}\n${stderr}`)
    const why = notPassed(effect.exitCode, tests)
    if (why !== undefined) {
      await restore(context, before)
      const printed = effect.printed ? `; they printed: ${effect.printed}` : ''
      throw new DeedError('effect_failed', `${describe(input)}: ${why}, so everything was restored${printed}`, {
        details: { restored: true, ...(diff === undefined ? {} : { diff }) },
      })
    }
    const after = await keepOwn(context, before)
    const paths = Object.keys(changesOf(before, context)).sort()
    const text = `${describe(input)}: ${places(before.places)} in ${counted(paths.length, 'file')}; the tests pass: ${sentence(tests!)}`
    return {
      claimed: text,
      result: {
        text,
        data: { paths, places: before.places, tests: { ...tests! }, ...(diff === undefined ? {} : { diff }) },
      },
      after,
      exitCode: effect.exitCode,
      facts: { ...effect.facts, tests: { ...tests! } },
    }
  },
  compensate: (_, context, before, after) => commandRun.compensate(TESTS, context, before, after),
  targetState: (_, context, before, after) => commandRun.targetState(TESTS, context, before, after),
  leftBehind: (_, around, before, until) => commandRun.leftBehind!(TESTS, around, before, until),
  diff: (_, context, before) => before && diffOf(before, context),
}

/** In the folder of the workspace, where package.json declares what it stands for. */
const TESTS: CommandRun = { argv: ['npm', 'test'], env: { CI: '1', NO_COLOR: '1' }, secrets: [], allow_hosts: [] }

/** @returns what `npm test` stands for @throws {DeedError} `precondition_failed` where the project declares no tests */
function declaredTests(context: Context): string {
  const file = readRegularFile(atRoot(context), [...context.workspace.base, 'package.json'])
  const script = file && scriptOf(file.bytes.toString())
  if (script !== undefined) return script
  throw new DeedError(
    'precondition_failed',
    'nothing is refactored without tests: package.json in the folder of the workspace declares no scripts.test',
  )
}

function scriptOf(text: string): string | undefined {
  try {
    const { scripts } = JSON.parse(text) as { scripts?: { test?: unknown } }
    return typeof scripts?.test === 'string' && scripts.test.trim() !== '' ? scripts.test : undefined
  } catch {
    return undefined
  }
}

function notPassed(exitCode: number | undefined, tests: TestCounts | undefined): string | undefined {
  const counts = tests ? `: ${sentence(tests)}` : ''
  if (exitCode !== 0) return `the tests ended with exit code ${exitCode}${counts}`
  if (!tests) return 'the output of the tests has no summary that is known, so it is unknown whether one ran'
  if (tests.failed > 0) return `the tests ended with exit code 0, and yet their summary says ${sentence(tests)}`
  return tests.passed === 0 ? `no test ran${counts}` : undefined
}

/** What this attempt has changed so far, the tests included. */
async function changesMade(context: Context, before: RefactorBefore): Promise<Changes> {
  const left = await commandRun.leftBehind!(TESTS, context, before, Number.POSITIVE_INFINITY)
  return JSON.parse(context.world.blobs.get(left!.changes).toString()) as Changes
}

const bring = ({ world, actionId, ...context }: Context, changes: Changes) =>
  bringBack(atRoot(context), world.blobs, changes, temporaryNameOf(actionId))

/** Brings everything back, and says that nothing is left of the attempt if that is to be seen. */
async function restore(context: Context, before: RefactorBefore): Promise<void> {
  context.checkRight()
  await bring(context, await changesMade(context, before))
  if (Object.keys(await changesMade(context, before)).length > 0)
    throw new DeedError(
      'compensation_failed',
      'the workspace could not be restored to what it was before the refactoring',
    )
  context.nothingDone()
}

/** Removes what the tests have left; the refactoring alone stays. */
async function keepOwn(context: Context, before: RefactorBefore): Promise<CommandAfter> {
  const own = new Set([...Object.keys(changesOf(before, context)), ...before.missing])
  const made = Object.entries(await changesMade(context, before))
  await bring(context, Object.fromEntries(made.filter(([path]) => !own.has(path))))
  const kept = Object.fromEntries(made.filter(([path]) => own.has(path)))
  const changes = await context.world.blobs.keep(Buffer.from(canonicalJson(kept)))
  return { changes, count: Object.keys(kept).length }
}

function diffOf(before: RefactorBefore, context: Context): string | undefined {
  const files = planned.get(before)
  const text = (entry: Entry | null) =>
    entry?.type === 'file' ? context.world.blobs.get(entry.sha256).toString() : undefined
  const pairs: [string, string | undefined, string | undefined][] = files
    ? [...files].map(([path, { old, fresh }]) => [path, old?.bytes.toString(), fresh?.bytes.toString()])
    : Object.entries(changesOf(before, context)).map(([path, { was, is }]) => [path, text(was), text(is)])
  const diffs = pairs.flatMap(([path, old, fresh]) => unifiedDiff(path, old, fresh) ?? [])
  return diffs.length === 0 ? undefined : diffs.join('\n').slice(0, DIFF_CHARS_MAX)
}

const DIFF_CHARS_MAX = 65_536

/** By Node's own parser, not by the engine: the first file that parsed before and does not now. */
async function unparsedFile(before: RefactorBefore, context: Context): Promise<string | undefined> {
  for (const [path, { was }] of Object.entries(changesOf(before, context))) {
    const syntax = /\.[cm]?ts$/.test(path) ? 'typescript' : /\.[cm]?js$/.test(path) ? 'javascript' : undefined
    const file = syntax && readRegularFile(atRoot(context), path.split('/'))
    if (!syntax || !file) continue
    const now = await parses(syntax, file.bytes)
    if (now.outcome !== 'failed') continue
    const old = was?.type === 'file' ? await parses(syntax, context.world.blobs.get(was.sha256)) : undefined
    if (old?.outcome !== 'failed') return `${path}: ${now.observed}`
  }
  return undefined
}

function describe(input: RefactorInput): string {
  const { path } = input
  switch (input.operation) {
    case 'rename':
      return `rename ${input.symbol} to ${input.to} in ${path} and wherever it is used`
    case 'move_file':
      return `move ${path} to ${input.to} with the imports of it`
    case 'move_symbol':
      return `move ${input.symbol} from ${path} to ${input.to} with the imports of it`
    case 'extract_function':
      return `make the function ${input.name} of lines ${input.from_line} to ${input.to_line} of ${path}`
    case 'change_signature':
      return `give ${input.symbol} in ${path} the parameters (${input.parameters.map(({ name }) => name).join(', ')})`
    case 'rewrite_pattern':
      return `rewrite ${JSON.stringify(input.pattern)} as ${JSON.stringify(input.rewrite)} in ${path}`
  }
}

const places = (count: number) => counted(count, 'place')
const sentence = ({ passed, failed, skipped }: TestCounts) => `${passed} passed, ${failed} failed, ${skipped} skipped`
