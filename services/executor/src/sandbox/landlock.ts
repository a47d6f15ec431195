/**
 * Commands in what Landlock and a filter of system calls leave of the host, where nobody may make namespaces: no socket
 * at all, and of the workspace what lies in it. New names cannot be made directly in its root, nor in a folder with
 * something protected in it, since Landlock cannot allow that and still keep what is protected there.
 */
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { PROTECTED_NAMES } from '@deed/config/protected-names'
import { DeedError } from '@deed/proto/errors'
import { NODE_FOLDER, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import { countingProcesses, FILTER_FD, SECRETS_FD, SYSTEM_FILES } from './box.ts'
import type { Bubblewrap } from './bubblewrap.ts'
import { type CommandUser, commandUser } from './command-user.ts'
import { limited } from './limits.ts'
import { brokenSince, HIDDEN, protectedBelow } from './protect-paths.ts'
import type { Sandbox } from './sandbox.ts'

export interface Landlock extends Pick<Bubblewrap, 'dataFolder' | 'protectedFiles' | 'groups'> {
  /** The path of `deed-confine`. */
  readonly confine: string
  /** As the kernel takes it; without it nothing would keep a command from the network. */
  readonly filter: Buffer
}

const READ = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib64', '/dev/zero', '/dev/random', '/dev/urandom', ...SYSTEM_FILES],
  // Refused, it would keep Node from starting; where it is not there, nothing does.
  ...['/etc/ssl/openssl.cnf', '/etc/localtime'],
  ...['/proc/cpuinfo', '/proc/meminfo', '/proc/stat', '/proc/uptime', '/proc/loadavg', '/proc/filesystems'],
]

export function landlock({ confine, dataFolder, protectedFiles, filter, groups }: Landlock): Sandbox {
  const folder = join(dataFolder, 'sandbox')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const filterFile = join(folder, 'filter-landlock.bpf')
  writeFileSync(filterFile, filter, { mode: 0o600 })
  return {
    name: ['landlock', 'seccomp', ...(groups ? [groups.name] : [])].join('+'),
    confines: true,
    reaps: true,
    open({ argv, workspace, reads = [], cwd, openedCwd = cwd, env, secrets, timeoutMs, egressSocket }) {
      if (egressSocket !== undefined)
        throw new DeedError('command_not_allowed', 'the sandbox of this host cannot open a way to single hosts')
      using opened = new DisposableStack()
      const fd = openSync(filterFile, 'r')
      opened.defer(() => closeSync(fd))
      const user = ordinaryUser(workspace)
      // Where root's own folders are in the way, another user comes to nothing below them.
      const temporary = mkdtempSync(join(user ? tmpdir() : folder, 'deed-tmp-'))
      if (user) chownSync(temporary, user.uid, user.gid)
      opened.defer(() => rmSync(temporary, { recursive: true, force: true }))
      const descriptors = new Map<number, number | Buffer>([[FILTER_FD, fd]])
      const before = protectedBelow(workspace)
      const below = [...before.keys()].map((path) => relative(workspace, path))
      const isHidden = (path: string) => HIDDEN.has(basename(path).toLowerCase())
      const hidden = [...HIDDEN, ...topOf(workspace, [dataFolder]), ...below.filter(isHidden)]
      const kept = [...PROTECTED_NAMES, ...topOf(workspace, protectedFiles), ...below].filter(
        (path) => !hidden.includes(path),
      )
      const variables = Object.entries(secrets).map(([name, value]) => `${name}=${value}\0`)
      // By descriptor: arguments are seen by every process of the host.
      if (variables.length > 0) descriptors.set(SECRETS_FD, Buffer.from(variables.join('')))
      const command = [
        confine,
        ...['--workspace', workspace, ...(user ? ['--user', `${user.uid}:${user.gid}`] : [])],
        ...hidden.flatMap((name) => ['--hide', name]),
        ...kept.flatMap((name) => ['--keep', name]),
        ...[...READ, NODE_FOLDER, ...reads].flatMap((path) => ['--read', path]),
        ...['/dev/null', temporary].flatMap((path) => ['--write', path]),
        ...(variables.length > 0 ? ['--env', String(SECRETS_FD)] : []),
        ...['--seccomp', String(FILTER_FD), '--'],
        ...(groups ? argv : countingProcesses(argv)),
      ]
      const group = groups?.open()
      const holding = opened.move()
      return {
        argv: limited(command, timeoutMs, group?.folders ?? []),
        cwd: openedCwd,
        env: { PATH: PROGRAM_FOLDERS.join(':'), HOME: workspace, LANG: 'C.UTF-8', ...env, TMPDIR: temporary },
        descriptors,
        group,
        broken: () => brokenSince(workspace, before),
        async [Symbol.asyncDispose]() {
          holding.dispose()
          await group?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/**
 * Who a command becomes. Where the workspace is root's, nobody but root can write to it without a mount of its own, so
 * there it stays root, without its rights.
 */
function ordinaryUser(workspace: string): CommandUser | undefined {
  const user = commandUser(workspace)
  return user?.ownsAsRoot ? undefined : user
}

/** The names in the root of the workspace under which these paths lie, where they do. */
function topOf(workspace: string, paths: readonly string[]): string[] {
  return paths
    .map((path) => relative(workspace, path))
    .filter((path) => path !== '' && !path.startsWith('..') && !path.startsWith('/'))
    .map((path) => path.split('/')[0]!)
}
