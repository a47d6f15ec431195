/**
 * Commands in a box that bubblewrap makes: namespaces of their own for users, processes, mounts, network and the rest;
 * no capability; the workspace as the one place to write to.
 */
import { closeSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE_FOLDER } from '../processes/find-program.ts'
import * as box from './box.ts'
import { becoming, type CommandUser, commandUser, NOBODY, ownedByUser } from './command-user.ts'
import type { ControlGroups } from './control-groups.ts'
import { kernelCalls } from './kernel-calls.ts'
import { limited } from './limits.ts'
import { type Cover, protectPaths } from './protect-paths.ts'
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

export function bubblewrap({ bwrap, dataFolder, protectedFiles, filter, groups }: Bubblewrap): Sandbox {
  const folder = join(dataFolder, 'sandbox')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const blank = join(folder, 'blank')
  writeFileSync(blank, '', { mode: 0o644 })
  const openFilter = filter && box.keepFilter(folder, filter)
  const calls = kernelCalls()

  return {
    name: ['bwrap', ...(filter ? ['seccomp'] : []), ...(groups ? [groups.name] : [])].join('+'),
    confines: true,
    open(command) {
      using opened = new DisposableStack()
      const user = commandUser(command.workspace)
      const protection = opened.use(protectPaths(command, { files: protectedFiles, dataFolder }))
      const descriptors = new Map<number, number | Buffer>()
      if (openFilter) {
        const fd = openFilter()
        opened.defer(() => closeSync(fd))
        descriptors.set(box.FILTER_FD, fd)
      }
      const secrets = Object.entries(command.secrets).flatMap(([name, value]) => ['--setenv', name, value])
      // By descriptor: arguments are seen by every process of the host.
      if (secrets.length > 0) descriptors.set(box.SECRETS_FD, Buffer.from(secrets.map((part) => `${part}\0`).join('')))
      const inner = box.bridged(command)
      const { uid, gid } = user ?? { uid: NOBODY, gid: NOBODY }
      descriptors.set(box.PASSWD_FD, Buffer.from(box.passwd(uid, gid)))
      const passwd = ['--perms', '0444', '--ro-bind-data', String(box.PASSWD_FD), '/etc/passwd']
      const made = [
        bwrap,
        ...boxArguments(command, [...passwd, ...coverArguments(protection.covers, blank)], user),
        ...(secrets.length > 0 ? ['--args', String(box.SECRETS_FD)] : []),
        ...(filter ? ['--seccomp', String(box.FILTER_FD)] : []),
        ...['--json-status-fd', String(box.STATUS_FD), '--', ...(user ? [...becoming(user), '--'] : [])],
        ...(groups ? inner : box.countingProcesses(inner)),
      ]
      const argv = user ? ownedByUser(user, command.workspace, calls, made) : made
      const group = groups?.open()
      const kept = opened.move()
      return {
        argv: limited(argv, command.timeoutMs, group?.folders ?? []),
        cwd: '/',
        env: { DEED_ACTION: command.env.DEED_ACTION ?? '' },
        descriptors,
        group,
        broken: protection.broken,
        async [Symbol.asyncDispose]() {
          kept.dispose()
          await group?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/**
 * Everything up to the descriptors and the command.
 *
 * @param user whom the command becomes inside. A namespace of users is left out for it, since root's would hold root
 *   alone; the filter of system calls then keeps the command from making one
 */
export function boxArguments(
  {
    workspace,
    reads = [],
    cwd,
    env,
    egressSocket,
  }: Pick<Confined, 'workspace' | 'reads' | 'cwd' | 'env' | 'egressSocket'>,
  protection: readonly string[],
  user?: CommandUser,
): string[] {
  return [
    ...(user ? ROOTS_NAMESPACES : ['--unshare-all', '--disable-userns', '--unshare-user']),
    ...['--die-with-parent', '--new-session', '--clearenv'],
    ...Object.entries(box.environmentOf({ workspace, env })).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib'],
    ...['--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
    ...['/dev/shm', '/tmp'].flatMap((path) => ['--perms', '1777', '--size', String(box.TMP_BYTES), '--tmpfs', path]),
    // Made by bubblewrap itself, they would be for root alone.
    ...foldersAbove(...box.SYSTEM_FILES, NODE_FOLDER, ...reads, workspace, box.EGRESS_SOCKET).flatMap((path) => [
      '--perms',
      '0755',
      '--dir',
      path,
    ]),
    ...box.SYSTEM_FILES.flatMap((path) => ['--ro-bind-try', path, path]),
    ...(NODE_FOLDER.startsWith('/usr/') ? [] : ['--ro-bind', NODE_FOLDER, NODE_FOLDER]),
    ...reads.flatMap((path) => ['--ro-bind', path, path]),
    // At its own path, so that what the command says of files is true outside as well.
    ...['--bind', workspace, workspace],
    ...protection,
    ...(egressSocket === undefined ? [] : ['--ro-bind', egressSocket, box.EGRESS_SOCKET]),
    ...(egressSocket === undefined ? [] : ['--ro-bind', box.BRIDGE_SOURCE, box.BRIDGE_FILE]),
    // The root itself, and its devices, are file systems in memory without a bound of their own.
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', cwd, '--hostname', 'deed', '--cap-drop', 'ALL'],
    ...(user ? RIGHTS_TO_BECOME : ['--uid', String(NOBODY), '--gid', String(NOBODY)]),
  ]
}

/** Outermost first; those that are there already are left out. */
function foldersAbove(...paths: readonly string[]): string[] {
  const above = paths.flatMap((path) =>
    path
      .split('/')
      .slice(1, -1)
      .map((_, depth, names) => `/${names.slice(0, depth + 1).join('/')}`),
  )
  return [...new Set(above)].filter((path) => path !== '/tmp' && !/^\/usr(\/|$)/.test(path))
}

const ROOTS_NAMESPACES = ['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try']
/** To go to a folder of the user, and to become it; they are gone with the number of root. */
const RIGHTS_TO_BECOME = ['CAP_DAC_READ_SEARCH', 'CAP_SETUID', 'CAP_SETGID'].flatMap((name) => ['--cap-add', name])

const coverArguments = (covers: readonly Cover[], blank: string): string[] =>
  covers.flatMap(({ path, by }) => {
    if (by === 'folder') return ['--tmpfs', path, '--remount-ro', path]
    return ['--ro-bind', by === 'file' ? blank : path, path]
  })
