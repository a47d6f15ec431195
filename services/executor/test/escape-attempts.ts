/**
 * What a command may try to get out of its sandbox, or to harm the host. Each attempt is a program's text and a judgement
 * from outside: whether the host is as it was. None does the host harm where it succeeds. For tests.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { PROTECTED_NAMES } from '@deed/config/protected-names'

export interface Scene {
  /** Absolute; the command may write to it. */
  readonly workspace: string
  /** Absolute; of the same user as this process, and none of the command's business. Has a file `kept` with `untouched` in it. */
  readonly outside: string
  /** TCP on loopback, and a Unix socket by the name of an abstract one; both count who connects. */
  readonly port: number
  readonly abstract: string
  /** Another process of this user. */
  readonly victim: number
}

export interface Attempt {
  readonly name: string
  /** `sh` runs it, in a folder of the workspace. A secret of the host that it gets hold of is printed. */
  readonly script: (scene: Scene) => string
  /** What it returns ends what it has started. */
  readonly prepare?: (scene: Scene) => void | Promise<() => void>
  /** What was found outside that should not be; absent: that nothing printed is the host's, and nothing there has changed. */
  readonly escaped?: (scene: Scene, output: string) => string | undefined
  readonly needs?: 'perl'
  /** Landlock does not keep a command from it, of an ordinary user or of any, and does not claim to; see docs/sandbox.md. */
  readonly landlockLets?: 'ordinary user' | 'always'
}

/** In the environment of this process, and in files of the host. */
export const HOST_SECRET = 'secret-of-the-host-7c1e'

const perl = (program: string) => `perl -MErrno -e '${program}'`
/** Prints `through` where a system call succeeds. */
const call = (name: string, ...args: (number | string)[]) =>
  perl(`require "syscall.ph"; my @a = (${args.join(', ')}); print "through" if syscall(&SYS_${name}, @a) >= 0`)
const printedThrough = (_: Scene, output: string) => (output.includes('through') ? output : undefined)
const systemCall = (name: string, ...args: (number | string)[]): Attempt => ({
  name: `make the system call ${name}`,
  script: () => call(name, ...args),
  needs: 'perl',
  escaped: printedThrough,
})
const printing = (name: string, script: Attempt['script']): Attempt => ({ name, script })
const through = (name: string, script: Attempt['script'], needs?: 'perl'): Attempt => ({
  name,
  script,
  escaped: printedThrough,
  ...(needs ? { needs } : {}),
})
/** Says when it listens at the path that it is given. */
const LISTENING = "require('net').createServer().listen(process.argv[1], () => console.log('listening'))"
const kept = ({ outside }: Scene) => join(outside, 'kept')

export const ATTEMPTS: readonly Attempt[] = [
  // Reading.
  through('read /etc/shadow', () => 'cat /etc/shadow > /dev/null 2>&1 && echo through'),
  printing('read a file outside its workspace', (scene) => `cat '${kept(scene)}'`),
  printing('read a file outside by a link', (scene) => `ln -s '${kept(scene)}' link; cat link`),
  printing(
    'read a file outside by the folder of a process',
    (scene) => `for p in /proc/[0-9]*; do cat "$p/root${kept(scene)}" "$p/cwd/kept"; done`,
  ),
  printing('read the environment of a process outside', () => 'cat /proc/*/environ | tr "\\0" "\\n"'),
  printing(
    'read the memory of a process outside',
    ({ victim }) =>
      `head -c 1 /proc/${victim}/mem && echo ${HOST_SECRET}; cat /proc/${victim}/maps && echo ${HOST_SECRET}`,
  ),
  printing('read the open files of a process outside', ({ victim }) => `cat /proc/${victim}/fd/* /proc/*/fd/7`),
  through(
    'read the memory of the machine',
    () =>
      'head -c 1 /dev/mem && echo through; head -c 1 /proc/kcore && echo through; head -c 1 /dev/kmem && echo through',
  ),
  through(
    'read a disk',
    () => 'for d in /dev/vda /dev/sda /dev/nvme0n1 /dev/loop0; do head -c 1 "$d" && echo through; done',
  ),
  through('read the log of the kernel', () => 'head -c 1 /dev/kmsg && echo through; dmesg | grep . && echo through'),
  // Writing.
  {
    name: 'write to a file outside',
    script: (scene) => `echo x > '${kept(scene)}'; echo x >> '${kept(scene)}'; truncate -s 0 '${kept(scene)}'`,
  },
  { name: 'write to a file outside by a link', script: (scene) => `ln -s '${kept(scene)}' out; echo x > out` },
  {
    name: 'write to a file outside by a link that was there',
    prepare: (scene) => symlinkSync(kept(scene), join(scene.workspace, 'in', 'there')),
    script: () => 'echo x > there',
  },
  {
    name: 'take a file outside in by a hard link',
    script: (scene) => `ln '${kept(scene)}' hard && echo x > hard`,
    escaped: (scene) => (lstatSync(kept(scene)).nlink > 1 ? 'it has another name' : undefined),
  },
  { name: 'remove or move a file outside', script: (scene) => `rm -f '${kept(scene)}'; mv '${kept(scene)}' taken` },
  {
    name: 'make a file outside',
    script: ({ outside }) => `echo x > '${outside}/made'; mkdir '${outside}/folder'; echo x > ../../made`,
    escaped: ({ outside }) => (readdirSync(outside).join() === 'kept' ? undefined : readdirSync(outside).join()),
  },
  through(
    'write to the programs of the host',
    () => '(echo x > /usr/bin/deed-escape) && echo through; (: >> /usr/bin/env) && echo through',
  ),
  through(
    'write to the settings of the kernel',
    () =>
      'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches; do (: >> $f) && echo through; done; find /proc/sys -type f -writable 2> /dev/null | grep . && echo through',
  ),
  through('ask the kernel to restart', () => '(: >> /proc/sysrq-trigger) && echo through'),
  through(
    'write to devices and drivers',
    () =>
      '(ls /sys/kernel /sys/class) && echo through; find /sys -type f -writable 2> /dev/null | grep . && echo through',
  ),
  {
    name: 'fill /tmp',
    script: () =>
      'for n in 1 2; do head -c 200000000 /dev/zero > "/tmp/deed-fill-$n"; done; [ "$(cat /tmp/deed-fill-* | wc -c)" -gt 268435456 ] && echo through; rm -f /tmp/deed-fill-*',
    escaped: (scene, output) =>
      existsSync('/tmp/deed-fill-1') || existsSync('/tmp/deed-fill-2')
        ? 'it is on the host'
        : printedThrough(scene, output),
  },
  // What a file is, and not what is in it.
  {
    name: 'change the mode of a file outside',
    landlockLets: 'ordinary user',
    script: (scene) => `chmod 777 '${kept(scene)}'; chmod 777 '${scene.outside}'`,
  },
  { name: 'change the owner of a file outside', script: (scene) => `chown 12345:12345 '${kept(scene)}'` },
  {
    name: 'change the times of a file outside',
    landlockLets: 'ordinary user',
    script: (scene) => `touch -d 2001-01-01 '${kept(scene)}'; touch -a -d 2001-01-01 '${kept(scene)}'`,
  },
  {
    name: 'change the attributes of a file outside',
    landlockLets: 'ordinary user',
    script: (scene) =>
      perl(
        `require "syscall.ph"; my ($f, $n, $v) = ("${kept(scene)}", "user.deed", "x"); print "through" if syscall(&SYS_setxattr, $f, $n, $v, 1, 0) == 0`,
      ),
    needs: 'perl',
    escaped: printedThrough,
  },
  {
    name: 'change the mode of a program of the host',
    // To what it is: the host outlives it where it can be done.
    script: () => 'chmod 755 /usr/bin/env && echo through',
    escaped: printedThrough,
  },
  // What is protected in the workspace.
  {
    name: 'write to what is protected',
    prepare: ({ workspace }) => {
      mkdirSync(join(workspace, '.git'))
      for (const file of ['.git/config', '.npmrc']) writeFileSync(join(workspace, file), 'as it was')
    },
    script: () =>
      'cd ..; echo x > .git/config; mkdir .git/hooks; echo x > .npmrc; rm -rf .git .npmrc; mv .git moved; chmod 777 .npmrc; ln .npmrc in/linked; echo x > in/linked',
    escaped: ({ workspace }) => unlike(workspace, ['.git/config', '.npmrc']),
  },
  {
    name: 'make what is protected',
    script: () =>
      [...PROTECTED_NAMES]
        .map((name) => `(echo x > ../${name} || mkdir ../${name} || ln -s /tmp ../${name})`)
        .join('\n'),
    escaped: ({ workspace }) => (readdirSync(workspace).join() === 'in' ? undefined : readdirSync(workspace).join()),
  },
  {
    name: 'write to what is protected in a folder',
    prepare: ({ workspace }) => {
      mkdirSync(join(workspace, 'in', 'sub', '.git'), { recursive: true })
      for (const file of ['in/sub/.git/config', 'in/sub/.npmrc']) writeFileSync(join(workspace, file), 'as it was')
    },
    script: () =>
      'cd sub; echo x > .git/config; mkdir .git/hooks; echo x > .npmrc; rm -rf .git .npmrc; mv .git moved; ln .npmrc ../linked; echo x > ../linked',
    escaped: ({ workspace }) => unlike(workspace, ['in/sub/.git/config', 'in/sub/.npmrc']),
  },
  {
    name: 'read credentials in the workspace',
    prepare: ({ workspace }) => {
      mkdirSync(join(workspace, '.ssh'))
      writeFileSync(join(workspace, '.ssh', 'id'), HOST_SECRET)
      writeFileSync(join(workspace, 'in', '.netrc'), HOST_SECRET)
    },
    script: () => 'cat ../.ssh/id .netrc',
  },
  // Other processes.
  {
    name: 'signal a process outside',
    script: ({ victim }) => `kill -9 ${victim}; kill -STOP ${victim}`,
    escaped: ({ victim }) =>
      /\) [ZTX]/.test(existsSync(`/proc/${victim}/stat`) ? readFileSync(`/proc/${victim}/stat`, 'utf8') : ') X')
        ? 'it is gone'
        : undefined,
  },
  {
    name: 'change the priority of a process outside',
    landlockLets: 'ordinary user',
    script: ({ victim }) => `renice -n 19 -p ${victim}`,
    escaped: ({ victim }) =>
      readFileSync(`/proc/${victim}/stat`, 'utf8').split(') ')[1]!.split(' ')[16] === '19' ? 'it is slower' : undefined,
  },
  through(
    'leave its control group',
    () => 'for f in $(find /sys/fs/cgroup -name cgroup.procs 2> /dev/null); do (echo $$ > $f) && echo through; done',
  ),
  // The network.
  printing(
    'connect to a port of the host',
    ({ port }) =>
      `node -e "require('net').connect(${port}, '127.0.0.1').on('connect', () => console.log('${HOST_SECRET}')).on('error', () => 0)"`,
  ),
  printing(
    'look a name up',
    () => `node -e "require('dns').lookup('localhost.example.com', (e) => e ?? console.log('${HOST_SECRET}'))"`,
  ),
  {
    name: 'connect to an abstract socket of the host',
    script: ({ abstract }) =>
      perl(
        `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) or exit; print "through" if connect(S, pack_sockaddr_un("\\0${abstract}"))`,
      ),
    needs: 'perl',
    escaped: printedThrough,
  },
  {
    name: 'connect to a socket outside the workspace',
    script: ({ outside }) =>
      `node -e "require('net').connect('${outside}/../socket').on('connect', () => console.log('through')).on('error', () => 0)"`,
    escaped: printedThrough,
  },
  {
    name: 'connect to a socket of the host in the workspace',
    landlockLets: 'always',
    async prepare({ workspace }) {
      const listening = spawn(process.execPath, ['-e', LISTENING, join(workspace, 'in', 'app.sock')])
      await once(listening.stdout, 'data')
      return () => listening.kill('SIGKILL')
    },
    script: () =>
      `node -e "require('net').connect('app.sock').on('connect', () => process.exit(console.log('through'))).on('error', () => 0)"`,
    escaped: printedThrough,
  },
  through(
    'open a raw socket',
    () =>
      perl(
        'use Socket; for ([2, 3, 1], [17, 3, 0], [40, 1, 0]) { print "through" if socket my $s, $_->[0], $_->[1], $_->[2] }',
      ),
    'perl',
  ),
  // More rights.
  through(
    'have a right of the administrator',
    () => "grep '^CapEff:' /proc/self/status | grep -q '[1-9a-f]0*$' && echo through",
  ),
  through(
    'gain one by a program that has it',
    () =>
      'cp /usr/bin/id own && chmod 4755 own && chown 0 own && ./own -u | grep -x 0 && echo through; su -c "echo through"',
  ),
  through('make a namespace of users', () => 'unshare --user true && echo through'),
  through('make other namespaces', () => 'for n in mount net pid uts ipc; do unshare --$n true && echo through; done'),
  through(
    'mount something',
    () => 'mkdir -p m; mount -t tmpfs none m && echo through; mount --bind /usr m && echo through',
  ),
  through(
    'make a device',
    () => 'mknod disk b 254 0 && echo through; mknod memory c 1 1 && head -c 1 memory && echo through',
  ),
  systemCall('ptrace', 16, '$$', 0, 0),
  systemCall('bpf', 0, '"x" x 64', 64),
  systemCall('keyctl', 0, -3, 1),
  systemCall('add_key', '"user"', '"deed"', '"x"', 1, -3),
  systemCall('perf_event_open', '"x" x 128', 0, -1, -1, 0),
  systemCall('io_uring_setup', 1, '"\\0" x 120'),
  systemCall('userfaultfd', 0),
  systemCall('setns', 0, 0),
  systemCall('chroot', '"/tmp"'),
  systemCall('clone', 0x10000000 | 17, 0, 0, 0, 0),
  systemCall('ioctl', 0, 0x5412, '"x"'),
  systemCall('open_by_handle_at', -100, '"x" x 32', 0),
]

function unlike(workspace: string, files: readonly string[]): string | undefined {
  return files.find(
    (file) => !existsSync(join(workspace, file)) || readFileSync(join(workspace, file), 'utf8') !== 'as it was',
  )
}

/** Everything of `kept` that a command must not change. */
export function stateOf(scene: Scene): string {
  const { mode, uid, gid, mtimeMs, nlink, size } = lstatSync(kept(scene))
  const above = lstatSync(scene.outside)
  return JSON.stringify([
    mode,
    uid,
    gid,
    mtimeMs,
    nlink,
    size,
    above.mode,
    above.uid,
    readFileSync(kept(scene), 'utf8'),
  ])
}

export function makeOutside(folder: string): string {
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'kept'), HOST_SECRET)
  chmodSync(join(outside, 'kept'), 0o640)
  return outside
}
