/**
 * Commands in what Landlock and a filter of system calls leave of the host, where nobody may make namespaces: no socket
 * at all, and of the workspace what lies in it. New names directly in its root cannot be made, since Landlock cannot
 * allow that and still keep what is protected there.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import { PROTECTED_NAMES } from '../files/workspace.ts'
import { countingProcesses, FILTER_FD, SECRETS_FD, SYSTEM_FILES } from './box.ts'
import type { Bubblewrap } from './bubblewrap.ts'
import { NODE_FOLDER, PROGRAM_FOLDERS } from './find-program.ts'
import { limited } from './limits.ts'
import { HIDDEN } from './protect-paths.ts'
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
      const temporary = mkdtempSync(join(folder, 'tmp-'))
      opened.defer(() => rmSync(temporary, { recursive: true, force: true }))
      const descriptors = new Map<number, number | Buffer>([[FILTER_FD, fd]])
      const hidden = [...HIDDEN, ...topOf(workspace, [dataFolder])]
      const kept = [...PROTECTED_NAMES, ...topOf(workspace, protectedFiles)].filter((name) => !hidden.includes(name))
      const variables = Object.entries(secrets).map(([name, value]) => `${name}=${value}\0`)
      // By descriptor: arguments are seen by every process of the host.
      if (variables.length > 0) descriptors.set(SECRETS_FD, Buffer.from(variables.join('')))
      const command = [
        confine,
        ...['--workspace', workspace],
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
        async [Symbol.asyncDispose]() {
          holding.dispose()
          await group?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

/** The names in the root of the workspace under which these paths lie, where they do. */
function topOf(workspace: string, paths: readonly string[]): string[] {
  return paths
    .map((path) => relative(workspace, path))
    .filter((path) => path !== '' && !path.startsWith('..') && !path.startsWith('/'))
    .map((path) => path.split('/')[0]!)
}
