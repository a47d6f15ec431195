/**
 * A git repository of a workspace, by the real `git` with everything off that could run a program or reach a network:
 * hooks, filters, pagers, editors, monitors, signing, protocols, and the configuration of the host and of the user.
 */
import { randomUUID } from 'node:crypto'
import { posix } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import { z } from 'zod'
import { openFolder } from '../files/folder.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { type Context, OBSERVE_ONLY } from '../kind/kind.ts'
import { findProgram, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import { runCommand } from '../sandbox/run-command.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { unconfined } from '../sandbox/unconfined.ts'
import { segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { leadsOutside, refuseForeignParts } from './foreign-parts.ts'

/** The folder that holds `.git`, in the workspace. */
export const RepositoryPath = z.string().min(1).max(4096).default('.')

/** A commit, by a branch, a tag or its hash; never an option of git. */
export const CommitName = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._/~^-]*$/, 'is no name of a commit')

export interface Repository {
  /** The workspace, with paths starting at the repository. */
  readonly workspace: Workspace
  /** Absolute. */
  readonly root: string
  /** As git lists it: `user.name`; of several values, the last. */
  readonly configuration: ReadonlyMap<string, string>
  /** @throws {DeedError} `effect_failed` with what git says, unless the exit code is one of `codes` */
  git(args: readonly string[], options?: GitOptions): Promise<GitEnded>
}

export interface GitOptions {
  readonly stdin?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  /** Exit codes that are answers; default: 0. */
  readonly codes?: readonly number[]
}

export interface GitEnded {
  readonly code: number
  /** What it has printed, as it is. */
  readonly bytes: Buffer
  /** The same as text. */
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const GIT_MS_MAX = 60_000

/**
 * @throws {DeedError} `not_found`; `command_not_allowed` when its configuration names programs that git would run;
 *   `path_outside_workspace` when a part of it is a link or lies elsewhere
 */
export async function openRepository(path: string, context: Context): Promise<Repository> {
  const program = findProgram('git')
  if (program === undefined) throw new DeedError('command_not_allowed', 'there is no program git on this host')
  const segments = segmentsOf(context.workspace, path)
  const workspace = { root: context.workspace.root, base: segments }
  refuseForeignParts(workspace, path)
  const root = [context.workspace.root, ...segments].join('/')
  const git: Repository['git'] = (args, options = {}) =>
    runGit([program, ...OPTIONS, ...args], { workspace, root }, context, options)
  return { workspace, root, git, configuration: await readConfiguration({ workspace, git }) }
}

/** Configuration that makes git run a program when a file is added or read. */
const RUNS_PROGRAM = /^filter\..*\.(?:clean|smudge|process)$/i

async function readConfiguration({
  git,
  workspace,
}: Pick<Repository, 'git' | 'workspace'>): Promise<Map<string, string>> {
  const { stdout } = await git(['config', '--list', '-z', '--includes'])
  const configuration = new Map<string, string>()
  for (const entry of stdout.split('\0')) {
    const [name = '', value = ''] = entry.split(/\n(.*)/s)
    if (/^core\.worktree$/i.test(name))
      throw leadsOutside(`its core.worktree is ${JSON.stringify(value)}`, 'unset core.worktree')
    if (/^include(?:if\..*)?\.path$/i.test(name) && !isInside(workspace, value))
      throw leadsOutside(`its configuration includes ${JSON.stringify(value)}`, 'remove that include')
    if (RUNS_PROGRAM.test(name))
      throw new DeedError(
        'command_not_allowed',
        `the repository's configuration runs a program: ${name}; remove it first`,
      )
    configuration.set(name, value)
  }
  return configuration
}

/** Whether a file that the configuration names, relative to `.git`, is reached without leaving the repository. */
function isInside(workspace: Workspace, named: string): boolean {
  if (named.startsWith('/') || named.startsWith('~')) return false
  const below = posix.join('.git', named)
  if (below.startsWith('..')) return false
  try {
    return readRegularFile(workspace, segmentsOf(workspace, below)) !== undefined
  } catch (error) {
    if (error instanceof DeedError) return false
    throw error
  }
}

const SETTINGS = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null', 'core.sshCommand=false'],
  ...['diff.external=', 'commit.gpgSign=false', 'gc.auto=0', 'maintenance.auto=false', 'submodule.recurse=false'],
  ...['protocol.allow=never', 'credential.helper=', 'core.editor=false', 'core.commentChar=#'],
].flatMap((setting) => ['-c', setting])

const OPTIONS = ['--git-dir=.git', '--work-tree=.', '--no-pager', ...SETTINGS]

const ENVIRONMENT = {
  PATH: PROGRAM_FOLDERS.join(':'),
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: 'false',
  GIT_EDITOR: 'false',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_LAZY_FETCH: '1',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_OPTIONAL_LOCKS: '0',
}

/** In the sandbox, where there is the repository and nothing else of the host: a link that was overlooked leads nowhere. */
async function runGit(
  argv: readonly string[],
  { workspace, root }: Pick<Repository, 'workspace' | 'root'>,
  { world: { sandbox }, actionId, signal }: Context,
  { stdin, env = {}, codes = [0] }: GitOptions,
): Promise<GitEnded> {
  const verb = argv[1 + OPTIONS.length] ?? ''
  using opened = openFolder(workspace, workspace.base)
  const tooLong = AbortSignal.timeout(GIT_MS_MAX)
  const output: Buffer[] = []
  let bytes = 0
  const tooMuch = new AbortController()
  const limits = AbortSignal.any([signal, tooLong, tooMuch.signal])
  const { exitCode, stderr } = await runCommand(boxFor(sandbox), {
    // Who only looks has no id: processes are found by it, and those of two looks are not to be taken for one another's.
    actionId: actionId === OBSERVE_ONLY ? (randomUUID() as ActionId) : actionId,
    argv,
    workspace: root,
    protects: false,
    cwd: root,
    openedCwd: opened?.path,
    env: { ...ENVIRONMENT, ...env },
    timeoutMs: GIT_MS_MAX,
    signal: limits,
    talk(input, printed) {
      // It need not read all of it.
      input.on('error', () => undefined)
      input.end(stdin)
      printed.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > OUTPUT_BYTES_MAX) tooMuch.abort()
        else output.push(chunk)
      })
    },
  }).catch((error: unknown) => {
    if (!signal.aborted && limits.aborted)
      throw new DeedError(
        'limit_exceeded',
        `git ${verb} ${tooLong.aborted ? 'took' : 'printed'} too much and was ended`,
      )
    throw error
  })
  if (!codes.includes(exitCode)) throw gitFailed(verb, stderr.toString())
  const printed = Buffer.concat(output)
  return { code: exitCode, bytes: printed, stdout: printed.toString(), stderr: stderr.toString() }
}

/**
 * Where Landlock confines, no new name can be made directly in a workspace, and `.git` is one that is protected: there,
 * as where nothing confines, git is kept inside by what `refuseForeignParts` refuses alone.
 */
const boxFor = (sandbox: Sandbox): Sandbox =>
  sandbox.confines && !sandbox.name.startsWith('landlock') ? sandbox : unconfined('none')

export function gitFailed(verb: string, stderr: string): DeedError {
  const text = stderr.trim().slice(0, 1_000)
  if (/\.lock': File exists/.test(text))
    return new DeedError('unavailable', `git ${verb}: another git is at work in the repository, or has died there`)
  return new DeedError('effect_failed', `git ${verb}: ${text}`)
}

/** The object that a name stands for. @returns `undefined` where there is none */
export async function resolveCommit({ git }: Repository, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]
  const { code, stdout } = await git(args, { codes: [0, 1, 128] })
  return code === 0 ? stdout.trim() : undefined
}

/** The branch that HEAD is on, as `refs/heads/main`; `undefined` where it is on none. */
export async function headBranch({ git }: Repository): Promise<string | undefined> {
  const { code, stdout } = await git(['symbolic-ref', '--quiet', 'HEAD'], { codes: [0, 1] })
  return code === 0 ? stdout.trim() : undefined
}

/**
 * A path below the repository as git names it.
 *
 * @param path relative to the repository, or absolute
 * @throws {DeedError} `path_outside_workspace`
 */
export function pathIn({ workspace }: Repository, path: string): string {
  const segments = segmentsOf(workspace, path)
  if (workspace.base.some((segment, i) => segments[i] !== segment))
    throw new DeedError('path_outside_workspace', `${path} is not in the repository`)
  const below = segments.slice(workspace.base.length)
  return below.length === 0 ? '.' : below.join('/')
}

/** Sets a ref from one commit to another; `undefined`: there is none. Refused when somebody has moved it meanwhile. */
export async function moveRef(
  { git }: Repository,
  ref: string,
  from: string | undefined,
  to: string | undefined,
  reason: string,
): Promise<void> {
  const none = '0'.repeat((from ?? to ?? '').length)
  await git(
    to === undefined
      ? ['update-ref', '-m', reason, '-d', ref, from ?? none]
      : ['update-ref', '--create-reflog', '-m', reason, ref, to, from ?? none],
  )
}
