/**
 * What confines commands on this host: bubblewrap where a trial run shows that it works, else nothing but the list of
 * allowed programs. Which of the two it is stands in every piece of evidence; there is no silent change between them.
 */
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

export interface Sandbox {
  /** As it stands in evidence. */
  readonly name: 'bwrap' | 'allow-list'
  /** The command that runs `argv` confined to the workspace; `argv` itself where nothing confines. */
  wrap(command: Confined): string[]
}

export interface Confined {
  readonly argv: readonly string[]
  /** Absolute root of the workspace. */
  readonly workspace: string
  /** Absolute folder, in the workspace, in which it starts. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** With this very Node, which is not always the one of the host. */
const NODE_FOLDER = dirname(process.execPath)

/** Where programs are looked for; nothing that a workspace brings along is found by name. */
export const PROGRAM_FOLDERS: readonly string[] = [NODE_FOLDER, '/usr/bin', '/bin']

/** @returns the absolute path of a program, looked for in `PROGRAM_FOLDERS` only */
export function findProgram(name: string): string | undefined {
  return PROGRAM_FOLDERS.map((folder) => join(folder, name)).find(isExecutable)
}

const CANARY_MS_MAX = 5_000

/** Tries bubblewrap with a command that must come back; a version number would prove nothing. */
export async function detectSandbox(): Promise<Sandbox> {
  const bwrap = findProgram('bwrap')
  if (bwrap === undefined) return allowList
  const [program = '', ...args] = bwrapCommand(bwrap, { argv: ['true'], workspace: '/tmp', cwd: '/tmp', env: {} })
  try {
    await promisify(execFile)(program, args, { timeout: CANARY_MS_MAX, env: {} })
  } catch {
    return allowList
  }
  return { name: 'bwrap', wrap: (command) => bwrapCommand(bwrap, command) }
}

export const allowList: Sandbox = { name: 'allow-list', wrap: ({ argv }) => [...argv] }

const NOBODY = '65534'
const TMP_BYTES = String(256 * 1024 * 1024)
/** Made read-only inside, where they exist. */
const PROTECTED_IN_ROOT = ['.git', '.deed', '.npmrc', '.husky', 'execution.yaml']

/** No network, no capabilities, a clean environment; the workspace is the one place to write to. */
export function bwrapCommand(bwrap: string, { argv, workspace, cwd, env }: Confined): string[] {
  const protectedPaths = PROTECTED_IN_ROOT.map((name) => join(workspace, name)).filter((path) => existsSync(path))
  return [
    bwrap,
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session', '--clearenv'],
    ...Object.entries({ PATH: PROGRAM_FOLDERS.join(':'), HOME: workspace, ...env }).flatMap(([key, value]) => [
      '--setenv',
      key,
      value,
    ]),
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
    ...['--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', '--size', TMP_BYTES, '--tmpfs', '/tmp'],
    ...(NODE_FOLDER.startsWith('/usr/') ? [] : ['--ro-bind', NODE_FOLDER, NODE_FOLDER]),
    // At its own path, so that what the command says of files is true outside as well.
    ...['--bind', workspace, workspace],
    ...protectedPaths.flatMap((path) => ['--ro-bind', path, path]),
    ...['--chdir', cwd, '--cap-drop', 'ALL', '--uid', NOBODY, '--gid', NOBODY, '--hostname', 'deed', '--'],
    ...argv,
  ]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
