/**
 * A git repository of a workspace, by the real `git` with everything off that could run a program or reach a network:
 * hooks, filters, pagers, editors, monitors, signing, protocols, and the configuration of the host and of the user.
 */
import { execFile } from 'node:child_process'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { openFolder } from '../files/folder.ts'
import { segmentsOf, type Workspace } from '../files/workspace.ts'
import type { Context } from '../kinds/kind.ts'
import { findProgram, PROGRAM_FOLDERS } from '../sandbox/find-program.ts'

/** The folder that holds `.git`, in the workspace. */
export const RepositoryPath = z.string().min(1).max(4096).default('.')

export interface Repository {
  /** The workspace, with paths starting at the repository. */
  readonly workspace: Workspace
  /** Absolute. */
  readonly root: string
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
  readonly stdout: string
  readonly stderr: string
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const GIT_MS_MAX = 60_000

/** @throws {DeedError} `not_found`, `command_not_allowed` when its configuration names programs that git would run */
export async function openRepository(path: string, context: Context): Promise<Repository> {
  const program = findProgram('git')
  if (program === undefined) throw new DeedError('command_not_allowed', 'there is no program git on this host')
  const segments = segmentsOf(context.workspace, path)
  // A file `.git`, as worktrees and submodules have it, leads elsewhere.
  using folder = openFolder(context.workspace, [...segments, '.git'])
  if (!folder) throw new DeedError('not_found', `${path} is not a git repository`, { path: '$.input.repository' })
  const root = [context.workspace.root, ...segments].join('/')
  const workspace = { root: context.workspace.root, base: segments }
  const repository: Repository = {
    workspace,
    root,
    git: (args, options = {}) => runGit(program, root, args, context, options),
  }
  await refusePrograms(repository)
  return repository
}

/** Configuration that makes git run a program when a file is added or read. */
const RUNS_PROGRAM = /^filter\..*\.(?:clean|smudge|process)$/i

async function refusePrograms({ git }: Repository): Promise<void> {
  const { stdout } = await git(['config', '--list', '--name-only', '-z', '--includes'])
  const name = stdout.split('\0').find((one) => RUNS_PROGRAM.test(one))
  if (name !== undefined)
    throw new DeedError(
      'command_not_allowed',
      `the repository's configuration runs a program: ${name}; remove it first`,
    )
}

const SETTINGS = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null', 'core.sshCommand=false'],
  ...['diff.external=', 'commit.gpgSign=false', 'gc.auto=0', 'maintenance.auto=false', 'submodule.recurse=false'],
  ...['protocol.allow=never', 'credential.helper=', 'core.editor=false', 'core.commentChar=#'],
].flatMap((setting) => ['-c', setting])

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
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_OPTIONAL_LOCKS: '0',
}

function runGit(
  program: string,
  root: string,
  args: readonly string[],
  { actionId, signal }: Context,
  { stdin, env = {}, codes = [0] }: GitOptions,
): Promise<GitEnded> {
  const [verb = ''] = args
  const argv = ['--git-dir', `${root}/.git`, '--work-tree', root, '--no-pager', ...SETTINGS, ...args]
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      argv,
      {
        cwd: root,
        // An attempt that takes over finds it by its mark, and ends it.
        env: { ...ENVIRONMENT, ...env, DEED_ACTION: actionId },
        maxBuffer: OUTPUT_BYTES_MAX,
        timeout: GIT_MS_MAX,
        killSignal: 'SIGKILL',
        signal,
      },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0
        if (signal.aborted) reject(signal.reason as Error)
        else if (typeof code !== 'number')
          reject(new DeedError('limit_exceeded', `git ${verb} was ended: ${error?.message.split('\n')[0]}`))
        else if (codes.includes(code)) resolve({ code, stdout, stderr })
        else reject(gitFailed(verb, stderr))
      },
    )
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(stdin)
  })
}

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
