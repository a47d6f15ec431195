/**
 * Commands in a box that the programs of util-linux make, which every Linux has: the same namespaces as bubblewrap's, the
 * same view of the host, no capability. Where there is a Perl, the same filter of system calls.
 */
import { closeSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findSystemProgram, NODE_FOLDER } from '../processes/find-program.ts'
import * as box from './box.ts'
import { becoming, commandUser, NOBODY, ownedByUser } from './command-user.ts'
import type { ControlGroups } from './control-groups.ts'
import { type KernelCalls, kernelCalls } from './kernel-calls.ts'
import { limited } from './limits.ts'
import { bindLines, fstabLine, readMounts } from './mount-table.ts'
import { type Cover, protectPaths } from './protect-paths.ts'
import type { Confined, Sandbox } from './sandbox.ts'

export interface Namespaces {
  readonly programs: NamespacePrograms
  /** Absolute; a folder to mount the box on and an empty file are kept below it. */
  readonly dataFolder: string
  /** Absolute paths that no command may write to. */
  readonly protectedFiles: readonly string[]
  /** As the kernel takes it. It is loaded by Perl. */
  readonly filter: Buffer | undefined
  readonly groups: ControlGroups | undefined
}

/** Their paths. `calls`: what only Perl can do. `loopback`: the command that sets it up in a network namespace. */
export interface NamespacePrograms {
  readonly unshare: string
  readonly setpriv: string
  readonly sh: string
  readonly calls: KernelCalls | undefined
  readonly loopback: readonly string[] | undefined
}

/** @returns the name of the program that is missing, where one is */
export function findNamespacePrograms(): NamespacePrograms | string {
  const found = Object.fromEntries(NEEDED.map((name) => [name, findSystemProgram(name)]))
  const missing = NEEDED.find((name) => found[name] === undefined)
  if (missing !== undefined) return missing
  const calls = kernelCalls()
  const ip = findSystemProgram('ip')
  return {
    unshare: found.unshare!,
    setpriv: found.setpriv!,
    sh: found.sh!,
    calls,
    loopback: calls?.loopback ?? (ip === undefined ? undefined : [ip, 'link', 'set', 'lo', 'up']),
  }
}

const NEEDED = ['unshare', 'setpriv', 'sh', 'mount', 'umount', 'pivot_root', 'env']

const ALL_NAMESPACES = ['--mount', '--propagation', 'private', '--pid', '--fork', '--net', '--ipc', '--uts', '--cgroup']

/**
 * The first process of the box, which has the right to mount. It builds a root on a file system in memory, takes it for
 * its own, and stays until the command has ended; with it all others end.
 */
const SET_UP = `
root=$1 fstab=$2 loopback=$3 passwd=$4
shift 4
fail() { echo "the box cannot be made: $1" >&2; exit 125; }
mount -n -t tmpfs -o size=4m,mode=755,nosuid,nodev deed "$root" && cd "$root" || fail root
mkdir usr proc dev tmp etc run && ln -s usr/bin usr/sbin usr/lib usr/lib64 . || fail folders
ln -s /tmp dev/shm && ln -s /proc/self/fd dev/fd && ln -s /proc/self/fd/0 dev/stdin && ln -s /proc/self/fd/1 dev/stdout && ln -s /proc/self/fd/2 dev/stderr || fail links
for file in dev/null dev/zero dev/full dev/random dev/urandom etc/ld.so.cache run/egress.sock run/egress-bridge.mts; do : > "$file" || fail "$file"; done
printf %s "$passwd" > etc/passwd || fail etc/passwd
printf %s "$fstab" > fstab && mount -n -a -T ./fstab && rm fstab || fail mounts
[ -z "$loopback" ] || eval "$loopback" || fail loopback
mount -n -o remount,bind,ro,nosuid,nodev "$root" && pivot_root . . && umount -l . && cd / || fail pivot_root
exec 5>&2 2> /dev/null
"$@" 2>&5 5>&-
code=$?
printf '{ "exit-code": %d }\\n' "$code" >&3
exit "$code"`

/**
 * Becomes the command. No user namespace can be made below the last one, and the kernel's settings cannot be written to,
 * whatever their owner is.
 */
const ENTER = `
fail() { echo "the box cannot be made: $1" >&2; exit 125; }
echo 1 > /proc/sys/user/max_user_namespaces || fail max_user_namespaces
mount -n -o bind,ro,nosuid,nodev,noexec /proc/sys /proc/sys || fail /proc/sys
cd "$1" || fail folder
shift
variables=$(cat <&4) && eval "$variables" && unset variables OLDPWD || fail environment
echo '{ "child-pid": 0 }' >&3
exec "$@" 3>&- 4>&-`

export function namespaces({ programs, dataFolder, protectedFiles, filter, groups }: Namespaces): Sandbox {
  const { unshare, setpriv, sh, calls, loopback } = programs
  const folder = join(dataFolder, 'sandbox')
  const [root, blank] = [join(folder, 'root'), join(folder, 'blank')]
  mkdirSync(root, { recursive: true, mode: 0o700 })
  writeFileSync(blank, '', { mode: 0o644 })
  const openFilter = filter && box.keepFilter(folder, filter)
  return {
    name: ['unshare', ...(filter ? ['seccomp'] : []), ...(groups ? [groups.name] : [])].join('+'),
    confines: true,
    reaps: true,
    open(command) {
      using opened = new DisposableStack()
      const user = commandUser(command.workspace)
      const protection = opened.use(protectPaths(command, { files: protectedFiles, dataFolder }))
      const variables = { ...box.environmentOf(command), ...command.secrets }
      // By descriptor: arguments are seen by every process of the host.
      const descriptors = new Map<number, number | Buffer>([[box.SECRETS_FD, Buffer.from(exported(variables))]])
      if (openFilter) {
        const fd = openFilter()
        opened.defer(() => closeSync(fd))
        descriptors.set(box.FILTER_FD, fd)
      }
      const inner = box.bridged(command)
      const counted = groups ? inner : box.countingProcesses(inner)
      const asNobody = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`]
      const last = [unshare, ...asNobody, '--', setpriv, '--no-new-privs', '--']
      const program = filter && calls ? calls.filtered(box.FILTER_FD, counted) : counted
      const asRootOfBox = [unshare, '--user', '--map-root-user', '--mount', '--propagation', 'private', '--']
      const made = [
        ...[unshare, ...(user ? [] : ['--user', '--map-root-user']), ...ALL_NAMESPACES, '--kill-child', '--'],
        ...[sh, '-c', SET_UP, 'deed', root, fstabOf(command, protection.covers, root, blank)],
        ...[quoted(loopback ?? []), box.passwd(NOBODY, NOBODY)],
        ...(user ? [...becoming(user), ...asRootOfBox] : []),
        ...[sh, '-c', ENTER, 'deed', command.cwd, ...last, ...program],
      ]
      const group = groups?.open()
      const kept = opened.move()
      const argv = user ? ownedByUser(user, command.workspace, calls, made) : made
      return {
        // It ends with this process, and checks that it has not missed its end.
        argv: [setpriv, '--pdeathsig', 'KILL', '--', ...limited(argv, command.timeoutMs, group?.folders ?? [])],
        cwd: '/',
        env: {
          PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
          DEED_ACTION: command.env.DEED_ACTION ?? '',
          DEED_PARENT: String(process.pid),
        },
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

const DEVICES = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']

/** What is mounted on the new root, in this order. */
function fstabOf(
  { workspace, reads = [], egressSocket }: Confined,
  covers: readonly Cover[],
  root: string,
  blank: string,
): string {
  const mounts = readMounts()
  const shown = (path: string, at = path) => bindLines(mounts, path, root + at, 'ro')
  const read = ['/usr', ...systemFiles(), ...(NODE_FOLDER.startsWith('/usr/') ? [] : [NODE_FOLDER]), ...reads]
  const tmp = `size=${box.TMP_BYTES},mode=1777,nosuid,nodev`
  return [
    fstabLine('proc', `${root}/proc`, 'proc', 'nosuid,nodev,noexec'),
    ...DEVICES.map((path) => fstabLine(path, root + path, 'none', 'bind,nosuid,noexec')),
    fstabLine('tmpfs', `${root}/tmp`, 'tmpfs', tmp),
    ...read.map((path) => shown(path)),
    // At its own path, so that what the command says of files is true outside as well.
    bindLines(mounts, workspace, root + workspace, 'rw'),
    ...covers.map(({ path, by }) => covered(path, by)),
    ...(egressSocket === undefined
      ? []
      : [shown(egressSocket, box.EGRESS_SOCKET), shown(box.BRIDGE_SOURCE, box.BRIDGE_FILE)]),
  ].join('')

  function covered(path: string, by: Cover['by']): string {
    if (by === 'folder') return fstabLine('tmpfs', root + path, 'tmpfs', 'size=4k,mode=755,ro,nosuid,nodev')
    return by === 'file' ? shown(blank, path) : shown(path)
  }
}

const systemFiles = () => box.SYSTEM_FILES.filter((path) => existsSync(path))

const quoted = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')

/** As a shell reads it. */
const exported = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted([value])}\n`)
    .join('')
