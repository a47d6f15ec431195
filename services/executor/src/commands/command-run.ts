/**
 * command.run: a program with its arguments, never a shell. What it changed in the workspace is found by comparing the
 * whole of it before and after, and is brought back to the byte on undo.
 */
import { statSync } from 'node:fs'
import { canonicalJson } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import type { Facts } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Json, JsonObject } from '@deed/proto/json'
import type { Observation } from '@deed/proto/observation'
import { redact } from '@deed/telemetry/redact'
import { z } from 'zod'
import { bringBack } from '../files/bring-back.ts'
import { shownName } from '../files/file-name.ts'
import { openFolder } from '../files/folder.ts'
import { filesDeclared, filesNamedBy } from '../files/named-files.ts'
import { temporaryNameOf } from '../files/temporary-name.ts'
import {
  type Changes,
  changedAfter,
  changesBetween,
  type Entries,
  isOwn,
  readTree,
  sameEntry,
  type Tree,
  treeLimits,
} from '../files/tree.ts'
import { allowedHosts, type Egress, openEgress } from '../http/egress-proxy.ts'
import type { Around, Before, Context, Effect, Kind, TargetState, World } from '../kind/kind.ts'
import { secretVariables } from '../kind/secrets.ts'
import { findProgram, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import { giveSigns } from '../processes/signs-of-life.ts'
import { type Command, type Ended, type Printed, runCommand } from '../sandbox/run-command.ts'
import { type Blobs, noBlobs } from '../workspace/blobs.ts'
import { segmentsOf } from '../workspace/workspace.ts'

/** Variables that a caller may set. None makes a program load or run something. */
const ENV_ALLOWED = ['CI', 'COLUMNS', 'FORCE_COLOR', 'LC_ALL', 'MIX_ENV', 'NODE_ENV', 'NO_COLOR', 'TZ'] as const

const Input = z.strictObject({
  argv: z
    .array(
      z
        .string()
        .max(32_768)
        .regex(/^[^\0]*$/),
    )
    .min(1)
    .max(1_000),
  /** Below the workspace; absent: where its relative paths start. */
  cwd: z.string().max(4096).optional(),
  env: z
    .partialRecord(
      z.enum(ENV_ALLOWED),
      z
        .string()
        .max(4096)
        .regex(/^[^\0]*$/),
    )
    .default({}),
  stdin: z.string().max(500_000).optional(),
  /**
   * Files and folders, below the workspace, whose change voids an approval of it; absent: those that `argv` names. Of a
   * folder only counts whether it is there.
   */
  paths: z.array(z.string().min(1).max(1_000)).max(64).optional(),
  /** Names of execution.yaml. The program finds each value in the variable that is named there. */
  secrets: z.array(z.string().max(64)).max(16).default([]),
  /** What it may reach through the proxy that `https_proxy` names: `example.com`, `example.com:8443`, or an http target. */
  allow_hosts: z.array(z.string().max(262)).max(32).default([]),
})
export type CommandRun = z.output<typeof Input>

export type CommandBefore = Before & {
  /** The hash under which the tree's entries are kept; null: the workspace is too large to be kept. */
  tree: string | null
  /** What is to blame where it is too large. */
  unkept?: string
}

export type CommandAfter = {
  /** The hash under which the changes are kept. */
  changes: string
  count: number
}

const EXIT_CODE_0: Observation = { kind: 'exit_code', equals: 0 }

/** The reading that `before` came from, so that the one after the command hashes only what has changed. */
const readings = new WeakMap<CommandBefore, Tree>()

export const commandRun: Kind<CommandRun, CommandBefore, CommandAfter> = {
  name: 'command.run',
  version: 1,
  input: Input,
  idempotent: false,
  takesVerify: true,
  provesBesides: true,
  example: { argv: ['df', '-h'] },
  effectOf: () => 'run',
  summary: ({ argv, secrets, allow_hosts }) =>
    [
      `run ${argv.map((argument) => JSON.stringify(argument)).join(' ')}`,
      ...(secrets.length > 0 ? [`which is given the secrets ${secrets.join(', ')}`] : []),
      ...(allow_hosts.length > 0 ? [`which may reach ${allow_hosts.join(', ')}`] : []),
    ].join(', '),
  async before(input, context) {
    allowedProgram(input.argv[0]!, context.world)
    workingFolder(input, context)
    secretVariables(input.secrets, context.world)
    allowedHosts(input.allow_hosts, context.world)
    // The changes of an abandoned attempt would be taken for those of this one, and the other way round.
    await context.resolveAbandoned()
    const tree = await snapshot(context)
    if (tree instanceof DeedError) return { state: 'tree:unknown', tree: null, unkept: tree.message }
    const before = { state: `tree:${tree.hash}`, tree: await keepJson(context.world.blobs, tree.entries) }
    readings.set(before, tree)
    return before
  },
  reversibility: (_, before) => (before.tree === null ? 'irreversible' : 'reversible'),
  irreversibleBecause: ({ unkept }) => unkept,
  mayHoldAlready: () => true,
  resolves: ({ argv }) => programFacts(argv[0]!),
  namedFiles: (input, context) =>
    input.paths === undefined
      ? filesNamedBy(input.argv, context.workspace, workingFolder(input, context))
      : filesDeclared(input.paths, context.workspace),
  confinement: (_, { sandbox }) => sandbox.name,
  // The exit code is what the program says of itself. It is no more than that, and the evidence says so.
  postcondition: (_, { held }, { verify = EXIT_CODE_0 }) =>
    held ? { kind: 'all', of: [EXIT_CODE_0, verify] } : verify,
  async execute(input, context, before) {
    const { world, workspace } = context
    const program = allowedProgram(input.argv[0]!, world)
    const folder = workingFolder(input, context)
    const env = { PATH: PROGRAM_FOLDERS.join(':'), HOME: workspace.root, LANG: 'C.UTF-8', ...input.env }
    using opened = openFolder(workspace, folder)
    const hosts = allowedHosts(input.allow_hosts, world)
    // Where nothing confines, nothing is to be opened either.
    await using egress = hosts.length > 0 && world.sandbox.confines ? await openEgress(hosts) : undefined
    const known = before.tree === null ? undefined : (readings.get(before) ?? (await readNow(context)))
    context.begin()
    let cutShort: Printed | undefined
    const ended = await runSigned(world, {
      actionId: context.actionId,
      argv: [program, ...input.argv.slice(1)],
      workspace: workspace.root,
      cwd: [workspace.root, ...folder].join('/'),
      // The folder that was checked, whatever is at its path now.
      openedCwd: opened?.path,
      env,
      secrets: secretVariables(input.secrets, world),
      stdin: input.stdin,
      egressSocket: egress?.socketPath,
      timeoutMs: context.action.timeout_ms,
      signal: context.signal,
      onStart: () => crashPoint('executor.mid_effect'),
      onCutShort: (printed) => {
        cutShort = printed
      },
    }).catch(async (error: unknown) => {
      if (error instanceof DeedError && error.details?.started === false) context.nothingDone()
      // Who has lost its lease may read what others have done since.
      else if (known && error instanceof DeedError && error.code !== 'lease_lost')
        context.left(await keepChanges(world.blobs, await ownChanges(context, before, known)))
      throw cutShort ? withTail(error, printedTail(cutShort)) : error
    })
    const changes = known && (await ownChanges(context, before, known))
    // A process that was frozen meanwhile has read what others have done since.
    context.checkRight()
    return effectOf(input, context, { ...ended, egress }, changes && (await keepChanges(world.blobs, changes)))
  },
  async compensate(_, context, before, after) {
    const changes = changesToUndo(context.world, before, after)
    context.begin()
    await bringBack(context.workspace, context.world.blobs, changes, temporaryNameOf(context.actionId))
    return `brought back ${count(Object.keys(changes).length)}`
  },
  async targetState(_, context, before, after) {
    if (before.tree === null) return { at: 'unknown', observed: 'the workspace is too large to be compared' }
    if (!after) {
      const changed = Object.keys(await ownChanges(context, before))
      return changed.length === 0
        ? { at: 'before', observed: `the workspace is as it was: ${before.state}` }
        : { at: 'unknown', observed: `the workspace is not as it was: ${count(changed.length)}` }
    }
    const changes = JSON.parse(context.world.blobs.get(after.changes).toString()) as Changes
    const { entries } = await readNow(context)
    return stateOfChanges(changes, entries)
  },
  async leftBehind(_, around, before, until) {
    if (before.tree === null) return undefined
    const changes = await ownChanges(around, before)
    const kept = Object.entries(changes).map(([path, { was, is }]) => {
      // Whether it had changed this, too, before somebody else did, nobody can say: so it is for a person to look at.
      const theirs = until === undefined || (is !== null && changedAfter(around.workspace, path, until))
      return [path, { was, is: theirs ? was : is }] as const
    })
    return keepChanges(around.world.blobs, Object.fromEntries(kept))
  },
}

async function runSigned({ sandbox, dataFolder }: World, command: Command): Promise<Ended> {
  using _ = giveSigns(dataFolder, command.actionId)
  return await runCommand(sandbox, command)
}

/** Where the changed paths are, each compared with the two states it had. */
function stateOfChanges(changes: Changes, now: Entries): TargetState {
  const all = Object.entries(changes)
  const left = all.filter(([path, { was }]) => !sameEntry(now[path] ?? null, was))
  if (left.length === 0) return { at: 'before', observed: `of ${count(all.length)} each is as it was` }
  const foreign = left.filter(([path, change]) => !isOwn(now[path] ?? null, change)).map(([path]) => path)
  // A folder that was made goes only with all that was made in it.
  const made = new Set(all.flatMap(([path, { was, is }]) => (is?.type === 'dir' && was?.type !== 'dir' ? path : [])))
  const added = Object.keys(now).filter((path) => !(path in changes) && made.has(path.slice(0, path.lastIndexOf('/'))))
  const theirs = [...foreign, ...added]
  if (theirs.length === 0)
    return { at: 'after', observed: `of ${count(all.length)} ${left.length} are not as they were: ${named(left)}` }
  return {
    at: 'elsewhere',
    observed: `${named(theirs.map((path) => [path]))} ${theirs.length === 1 ? 'was' : 'were'} changed by somebody since`,
    kept: foreign.flatMap((path) => {
      const was = changes[path]?.was
      return was?.type === 'file' ? { path, sha256: was.sha256 } : []
    }),
  }
}

const PATHS_NAMED_MAX = 5

function named(paths: readonly (readonly [string, ...unknown[]])[]): string {
  const some = paths.slice(0, PATHS_NAMED_MAX).map(([path]) => shownName(path))
  return paths.length > some.length ? `${some.join(', ')} and ${paths.length - some.length} more` : some.join(', ')
}

function allowedProgram(name: string, { config, sandbox }: World): string {
  if (name.includes('/') || name === '' || name.startsWith('.'))
    throw new DeedError('command_not_allowed', `name the program without a path: ${JSON.stringify(name)}`)
  if (sandbox.name.startsWith('allow-list') && !config.commands.allow.includes(name))
    throw new DeedError(
      'command_not_allowed',
      `${name} is not in commands.allow of execution.yaml, and this host has no sandbox to run it in`,
    )
  const program = findProgram(name)
  if (program === undefined) throw new DeedError('command_not_allowed', `there is no program ${name} on this host`)
  return program
}

/** Which file it is, and when somebody has installed another in its place. */
function programFacts(name: string): Facts {
  const program = name.includes('/') ? undefined : findProgram(name)
  if (program === undefined) return {}
  const { size, mtime } = statSync(program)
  return { program: `${program} (${size} bytes, of ${mtime.toISOString()})` }
}

function workingFolder({ cwd }: CommandRun, { workspace }: Pick<Context, 'workspace'>): string[] {
  const segments = cwd === undefined ? [...workspace.base] : segmentsOf(workspace, cwd)
  using folder = openFolder(workspace, segments)
  if (!folder) throw new DeedError('invalid_request', `the folder ${cwd ?? '.'} does not exist`)
  return segments
}

/** @returns why, when the workspace is too large to be kept */
async function snapshot({ workspace, world }: Context): Promise<Tree | DeedError> {
  try {
    return await readTree(workspace, world.blobs, { limits: treeLimits(world.config), ignore: workspace.ignore })
  } catch (error) {
    if (error instanceof DeedError && error.code === 'limit_exceeded') return error
    throw error
  }
}

/** Everything that differs from the snapshot, but for what others have written meanwhile. */
async function ownChanges(context: Around, before: CommandBefore, known?: Tree): Promise<Changes> {
  const { world } = context
  const { entries } = await readNow(context, known)
  const others = await context.writtenByOthers()
  const changes = Object.entries(changesBetween(keptEntries(world.blobs, before), entries))
  return Object.fromEntries(changes.filter(([path]) => !others.has(path)))
}

/** What an action has made or changed is compared, and never brought back: none of it is kept, however much it is. */
const readNow = ({ workspace }: Around, since?: Tree) =>
  readTree(workspace, noBlobs, { since, ignore: workspace.ignore })

function changesToUndo({ blobs }: World, before: CommandBefore, after: CommandAfter | undefined): Changes {
  if (before.tree === null)
    throw new DeedError('not_undoable', 'the workspace was too large to be kept, so it cannot be brought back')
  if (after) return JSON.parse(blobs.get(after.changes).toString()) as Changes
  throw new DeedError('not_undoable', 'what it has changed could not be kept, so it cannot be brought back')
}

const keptEntries = (blobs: Blobs, { tree }: CommandBefore) => JSON.parse(blobs.get(tree ?? '').toString()) as Entries
const keepJson = (blobs: Blobs, value: unknown) => blobs.keep(Buffer.from(canonicalJson(value)))
const count = (paths: number) => `${paths} changed ${paths === 1 ? 'path' : 'paths'}`

async function keepChanges(blobs: Blobs, changes: Changes): Promise<CommandAfter> {
  return { changes: await keepJson(blobs, changes), count: Object.keys(changes).length }
}

const TEXT_CHARS_MAX = 60_000
/** In whatever encoding. */
const SECRET_CHARS_MAX = 4096
/** Together they must fit into a report of at most 1 MB. */
const STDOUT_JSON_BYTES_MAX = 400_000
const STDERR_JSON_BYTES_MAX = 100_000

function effectOf(
  { argv }: CommandRun,
  { world }: Context,
  ended: Ended & { egress: Egress | undefined },
  after: CommandAfter | undefined,
): Effect {
  const { exitCode, leftovers, egress } = ended
  // Whole, since a secret may be split over two pieces of output.
  const stdout = fitting(printed(ended.stdout, ended.stdoutCut), STDOUT_JSON_BYTES_MAX)
  const stderr = fitting(printed(ended.stderr, ended.stderrCut), STDERR_JSON_BYTES_MAX)
  const truncated = ended.truncated || stdout.cut || stderr.cut
  const shown = (exitCode === 0 ? stdout.text : `${stdout.text}${stderr.text}`).trimEnd()
  const facts: JsonObject = {
    exit_code: exitCode,
    sandbox: world.sandbox.name,
    network: networkOf(world.sandbox, egress),
    ...(after ? { changed_paths: after.count } : {}),
    ...(leftovers > 0 ? { processes_ended: leftovers } : {}),
  }
  return {
    claimed: `${argv[0]} ended with exit code ${exitCode}`,
    result: {
      text: shown === '' ? `${argv[0]} ended with exit code ${exitCode}` : shown.slice(0, TEXT_CHARS_MAX),
      data: { exit_code: exitCode, stdout: stdout.text, stderr: stderr.text, truncated },
    },
    exitCode,
    printed: printedTail(ended),
    facts,
    ...(after ? { after } : {}),
  }
}

/** What of the network the program could reach, and what it did. */
function networkOf({ confines }: World['sandbox'], egress: Egress | undefined): Json {
  if (!confines) return 'not confined'
  if (!egress) return 'none'
  const hosts = [...egress.tunnelled].map(([host, { bytesOut, bytesIn, connections }]) => ({
    host,
    connections,
    bytes_out: bytesOut,
    bytes_in: bytesIn,
  }))
  return { hosts, refused: [...egress.refused] }
}

function withTail(error: unknown, tail: string): unknown {
  if (tail === '' || !(error instanceof DeedError) || error.code !== 'limit_exceeded') return error
  const { details, retryable } = error
  return new DeedError(error.code, `${error.message}; it printed: ${tail}`, { details, retryable, cause: error })
}

const TAIL_CHARS_MAX = 2_000

/** The end of what was printed, errors last. A secret in it is taken out before it could be cut into two parts. */
function printedTail({ stdout, stderr, stdoutCut, stderrCut }: Printed): string {
  const text = [printed(stdout, stdoutCut), printed(stderr, stderrCut)]
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('\n')
  return text.length > TAIL_CHARS_MAX ? `... ${text.slice(-TAIL_CHARS_MAX)}` : text
}

/** What was cut off may have held the rest of a secret, of which the end of what is left is a part. */
function printed(output: Buffer, cut: boolean): string {
  const text = redact(output.toString())
  return cut ? text.slice(0, -SECRET_CHARS_MAX) : text
}

/** The beginning of a text that takes at most so many bytes as JSON. */
function fitting(text: string, jsonBytesMax: number): { text: string; cut: boolean } {
  let part = text.slice(0, jsonBytesMax)
  while (Buffer.byteLength(JSON.stringify(part)) > jsonBytesMax) part = part.slice(0, Math.floor(part.length / 2))
  return { text: part, cut: part.length < text.length }
}
