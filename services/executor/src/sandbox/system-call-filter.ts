/**
 * The system calls that a confined program may not make, as a seccomp filter in BPF.
 *
 * What is refused gets EPERM, as if the program lacked the right; clone3 gets ENOSYS, upon which the C library takes
 * clone, whose flags a filter can read. A call of a foreign architecture ends the program: its numbers mean other calls.
 *
 * @see seccomp(2), and the kernel's tables `arch/x86/entry/syscalls` and `include/uapi/asm-generic/unistd.h`
 */

interface Architecture {
  /** AUDIT_ARCH of `linux/audit.h`. */
  readonly audit: number
  /** Which of the two numbers in `REFUSED`. */
  readonly column: 0 | 1
  readonly clone: number
  readonly ioctl: number
  readonly socket: number
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, column: 0, clone: 56, ioctl: 16, socket: 41 },
  arm64: { audit: 0xc00000b7, column: 1, clone: 220, ioctl: 29, socket: 198 },
}

/** Numbers on x86-64 and on AArch64; -1: there is no such call. */
const REFUSED: Readonly<Record<string, readonly [number, number]>> = {
  // Reading and steering other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // Another view of the file system.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_tree_attr: [467, 467],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fanotify_init: [300, 262],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  // Other namespaces.
  unshare: [272, 97],
  setns: [308, 268],
  // Keys of the kernel.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Large and often broken parts of the kernel.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  modify_ldt: [154, -1],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  // The machine itself.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  iopl: [172, -1],
  ioperm: [173, -1],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  acct: [163, 89],
  syslog: [103, 116],
  vhangup: [153, 58],
}

/** Calls that change owner, mode, times or attributes of a file, which Landlock does not know of. */
const METADATA: Readonly<Record<string, readonly [number, number]>> = {
  chmod: [90, -1],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  chown: [92, -1],
  fchown: [93, 55],
  lchown: [94, -1],
  fchownat: [260, 54],
  utime: [132, -1],
  utimes: [235, -1],
  futimesat: [261, -1],
  utimensat: [280, 88],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  fsetxattr: [190, 7],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  fremovexattr: [199, 16],
  setxattrat: [463, 463],
  removexattrat: [466, 466],
  file_setattr: [469, 469],
}

/** The same number everywhere, as of all calls since Linux 5.1. */
const CLONE3 = 435
/** Calls with this bit are of the x32 architecture, under the audit number of x86-64. */
const X32_BIT = 0x40000000

/** Every flag of clone(2) that makes a namespace. */
const CLONE_NEW_ANY = 0x7e020000
/** Writes into the input of a terminal, and into the screen of the console: CVE-2019-10063. */
const TERMINAL = [0x5412, 0x541c]
/** FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR: attributes by another way. */
const FILE_FLAGS = [0x40086602, 0x401c5820]
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Others, such as AF_VSOCK, are not bound to a network namespace. */
const FAMILIES = [1, 2, 10, 16]

const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97]
const ALLOW = 0x7fff0000
const KILL_PROCESS = 0x80000000
const fail = (errno: number) => 0x00050000 | errno

// struct seccomp_data: the call's number, the architecture, the instruction, six arguments of 64 bits.
const NUMBER_AT = 0
const ARCHITECTURE_AT = 4
/** Of the lower half, which is all that the kernel reads of an `unsigned int`. */
const argumentAt = (index: number) => 16 + 8 * index

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number]
const load = (at: number): Instruction => [0x20, 0, 0, at]
const skipUnlessEqual = (k: number, skip: number): Instruction => [0x15, 0, skip, k]
const skipIfBelow = (k: number, skip: number): Instruction => [0x35, 0, skip, k]
const skipUnlessAnyBit = (k: number, skip: number): Instruction => [0x45, 0, skip, k]
const answer = (k: number): Instruction => [0x06, 0, 0, k]

/**
 * @param families whose sockets may be made
 * @param metadata whether owner, mode, times and attributes of files may be changed
 * @returns the filter as the kernel takes it; `undefined` for an architecture whose numbers are not known here
 */
export function systemCallFilter(
  architecture: string = process.arch,
  families: readonly number[] = FAMILIES,
  metadata = true,
): Buffer | undefined {
  const known = ARCHITECTURES[architecture]
  if (!known) return undefined
  const { audit, column, clone, ioctl, socket } = known
  const refused = Object.values(metadata ? REFUSED : { ...REFUSED, ...METADATA })
    .map((numbers) => numbers[column])
    .filter((number) => number >= 0)
  const ioctls = metadata ? TERMINAL : [...TERMINAL, ...FILE_FLAGS]
  const program: Instruction[] = [
    load(ARCHITECTURE_AT),
    [0x15, 1, 0, audit],
    answer(KILL_PROCESS),
    load(NUMBER_AT),
    skipIfBelow(X32_BIT, 1),
    answer(KILL_PROCESS),
    ...refused.flatMap((number) => [skipUnlessEqual(number, 1), answer(fail(EPERM))]),
    skipUnlessEqual(CLONE3, 1),
    answer(fail(ENOSYS)),
    skipUnlessEqual(clone, 4),
    ...[load(argumentAt(0)), skipUnlessAnyBit(CLONE_NEW_ANY, 1), answer(fail(EPERM)), answer(ALLOW)],
    skipUnlessEqual(ioctl, 2 + 2 * ioctls.length),
    load(argumentAt(1)),
    ...ioctls.flatMap((request) => [skipUnlessEqual(request, 1), answer(fail(EPERM))]),
    answer(ALLOW),
    skipUnlessEqual(socket, 2 + 2 * families.length),
    load(argumentAt(0)),
    ...families.flatMap((family) => [skipUnlessEqual(family, 1), answer(ALLOW)]),
    answer(fail(EAFNOSUPPORT)),
    answer(ALLOW),
  ]
  return assembled(program)
}

function assembled(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(([code, ifTrue, ifFalse, k], index) => {
    const at = index * 8
    bytes.writeUInt16LE(code, at)
    bytes.writeUInt8(ifTrue, at + 2)
    bytes.writeUInt8(ifFalse, at + 3)
    bytes.writeUInt32LE(k >>> 0, at + 4)
  })
  return bytes
}
