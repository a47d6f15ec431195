/**
 * Commands in a box that bubblewrap makes: namespaces of their own for users, processes, mounts, network and the rest;
 * no capability; the workspace as the one place to write to.
 */
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlGroups } from './control-groups.ts'
import { findProgram, NODE_FOLDER, PROGRAM_FOLDERS } from './find-program.ts'
import { limited, PROCESSES_MAX } from './limits.ts'
import { protectPaths } from './protect-paths.ts'
import type { Confined, Sandbox } from './sandbox.ts'

export interface Bubblewrap {
  /** The path of the program. */
  readonly bwrap: string
  /** Absolute; two files of a few bytes are kept below it. */
  readonly dataFolder: string
  /** Absolute paths that no command may write to. */
  readonly protectedFiles: readonly string[]
  /** As the kernel takes it. */
  readonly filter: Buffer | undefined
  readonly groups: ControlGroups | undefined
}

export const STATUS_FD = 3
const SECRETS_FD = 4
const FILTER_FD = 9
const NOBODY = '65534'
const TMP_BYTES = String(256 * 1024 * 1024)

/** Where the proxy's socket is inside. */
const EGRESS_SOCKET = '/run/egress.sock'
const BRIDGE_FILE = '/run/egress-bridge.mts'
const BRIDGE = [process.execPath, BRIDGE_FILE, EGRESS_SOCKET]

export function bubblewrap({ bwrap, dataFolder, protectedFiles, filter, groups }: Bubblewrap): Sandbox {
  const folder = join(dataFolder, 'sandbox')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const blank = join(folder, 'blank')
  const filterFile = join(folder, 'filter.bpf')
  writeFileSync(blank, '')
  if (filter) writeFileSync(filterFile, filter, { mode: 0o600 })

  return {
    name: ['bwrap', ...(filter ? ['seccomp'] : []), ...(groups ? [groups.name] : [])].join('+'),
    confines: true,
    open(command) {
      using opened = new DisposableStack()
      const protection = opened.use(protectPaths(command.workspace, { blank, files: protectedFiles, dataFolder }))
      const descriptors = new Map<number, number | Buffer>()
      if (filter) {
        const fd = openSync(filterFile, 'r')
        opened.defer(() => closeSync(fd))
        descriptors.set(FILTER_FD, fd)
      }
      const secrets = Object.entries(command.secrets).flatMap(([name, value]) => ['--setenv', name, value])
      // By descriptor: arguments are seen by every process of the host.
      if (secrets.length > 0) descriptors.set(SECRETS_FD, Buffer.from(secrets.map((part) => `${part}\0`).join('')))
      const inner = command.egressSocket === undefined ? command.argv : [...BRIDGE, ...command.argv]
      const argv = [
        bwrap,
        ...boxArguments(command, protection.args),
        ...(secrets.length > 0 ? ['--args', String(SECRETS_FD)] : []),
        ...(filter ? ['--seccomp', String(FILTER_FD)] : []),
        ...['--json-status-fd', String(STATUS_FD), '--'],
        ...(groups ? inner : countingProcesses(inner)),
      ]
      const group = groups?.open()
      const kept = opened.move()
      return {
        argv: limited(argv, command.timeoutMs, group?.folders ?? []),
        cwd: '/',
        env: { DEED_ACTION: command.env.DEED_ACTION ?? '' },
        descriptors,
        group,
        async [Symbol.asyncDispose]() {
          kept.dispose()
          await group?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/** What of /etc programs need to start; nothing in it is a secret. */
export const SYSTEM_FILES = ['/etc/alternatives', '/etc/ld.so.cache', '/etc/ssl/certs']

/** Everything up to the descriptors and the command. */
export function boxArguments(
  {
    workspace,
    reads = [],
    cwd,
    env,
    egressSocket,
  }: Pick<Confined, 'workspace' | 'reads' | 'cwd' | 'env' | 'egressSocket'>,
  protection: readonly string[],
): string[] {
  return [
    ...['--unshare-all', '--disable-userns', '--unshare-user', '--die-with-parent', '--new-session', '--clearenv'],
    ...Object.entries({ PATH: PROGRAM_FOLDERS.join(':'), HOME: workspace, LANG: 'C.UTF-8', ...env }).flatMap(
      ([name, value]) => ['--setenv', name, value],
    ),
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
    ...['--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', '--size', TMP_BYTES, '--tmpfs', '/tmp'],
    ...SYSTEM_FILES.flatMap((path) => ['--ro-bind-try', path, path]),
    ...(NODE_FOLDER.startsWith('/usr/') ? [] : ['--ro-bind', NODE_FOLDER, NODE_FOLDER]),
    ...reads.flatMap((path) => ['--ro-bind', path, path]),
    // At its own path, so that what the command says of files is true outside as well.
    ...['--bind', workspace, workspace],
    ...protection,
    ...(egressSocket === undefined ? [] : ['--ro-bind', egressSocket, EGRESS_SOCKET]),
    ...(egressSocket === undefined ? [] : ['--ro-bind', join(import.meta.dirname, 'egress-bridge.mts'), BRIDGE_FILE]),
    // The root itself is a file system in memory, without a bound of its own.
    ...[
      '--remount-ro',
      '/',
      '--chdir',
      cwd,
      '--cap-drop',
      'ALL',
      '--uid',
      NOBODY,
      '--gid',
      NOBODY,
      '--hostname',
      'deed',
    ],
  ]
}

/**
 * Without a control group the processes are counted by their user, which is one of the box alone. The kernel does not
 * count those of root.
 */
export function countingProcesses(argv: readonly string[]): readonly string[] {
  const prlimit = findProgram('prlimit')
  if (prlimit === undefined || process.getuid?.() === 0) return argv
  return [prlimit, `--nproc=${PROCESSES_MAX}`, '--', ...argv]
}
