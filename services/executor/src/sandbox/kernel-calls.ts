/**
 * System calls that no program of a bare Linux makes: as programs for Perl, which is essential on Debian and its kin, so
 * that nothing has to be compiled. Each does its work and becomes the program that its arguments name.
 */
import { findSystemProgram } from '../processes/find-program.ts'

interface Calls {
  readonly unshare: number
  readonly seccomp: number
}

/** Numbers of those that differ between architectures. */
const CALLS: Readonly<Record<string, Calls>> = {
  x64: { unshare: 272, seccomp: 317 },
  arm64: { unshare: 97, seccomp: 277 },
}

export interface KernelCalls {
  /** Loads the filter of system calls from an open descriptor, and runs the rest. */
  filtered(fd: number, argv: readonly string[]): string[]
  /** Shows the folder, at its own path, with what the owner 0 and the group 0 own as owned by `id`, and runs the rest. */
  ownedBy(id: number, folder: string, argv: readonly string[]): string[]
  /** Sets the loopback of this network namespace up. */
  readonly loopback: readonly string[]
}

/** @returns `undefined` where there is no Perl, or its host's calls are not known here */
export function kernelCalls(): KernelCalls | undefined {
  const perl = findSystemProgram('perl')
  const calls = CALLS[process.arch]
  if (perl === undefined || calls === undefined) return undefined
  return {
    filtered: (fd, argv) => [perl, '-e', loadFilter(calls), String(fd), ...argv],
    ownedBy: (id, folder, argv) => [perl, '-e', mapOwner(calls), String(id), folder, ...argv],
    loopback: [perl, '-e', LOOPBACK_UP],
  }
}

/** prctl(PR_SET_NO_NEW_PRIVS) comes before, by setpriv(1). `struct sock_fprog`: a count, and the address of the program. */
const loadFilter = ({ seccomp }: Calls) => `
open my $file, '<&=', shift or die "the filter: $!\\n";
binmode $file; local $/; my $filter = <$file>; close $file;
syscall(${seccomp}, 1, 0, my $program = pack 'S x![P] P', length($filter) / 8, $filter) == 0 or die "seccomp: $!\\n";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"`

/**
 * mount_setattr(2) with MOUNT_ATTR_IDMAP, on a clone of the mount. The mapping is that of a user namespace, which a child
 * makes and which lives as long as the mount.
 */
const mapOwner = ({ unshare }: Calls) => `
my ($id, $folder) = splice @ARGV, 0, 2;
pipe my $ready, my $tell; pipe my $hold, my $release;
my $child = fork // die "fork: $!\\n";
if (!$child) {
  close $release;
  syscall(${unshare}, 0x10000000) == 0 and syswrite $tell, 'x'; close $tell;
  sysread $hold, my $end, 1; exit;
}
close $tell;
sysread $ready, my $made, 1 or die "no user namespace can be made\\n";
for my $map ('uid_map', 'gid_map') {
  open my $file, '>', "/proc/$child/$map" or die "$map: $!\\n";
  syswrite $file, "0 $id 1\\n1 1 " . ($id - 1) . "\\n" or die "$map: $!\\n";
}
open my $users, '<', "/proc/$child/ns/user" or die "ns/user: $!\\n";
my $tree = syscall 428, -100, $folder, 0x88001; my $empty = ''; $tree >= 0 or die "open_tree: $!\\n";
syscall(442, $tree, $empty, 0x1000, my $set = pack('Q4', 0x100000, 0, 0, fileno $users), 32) == 0
  or die "what root owns in $folder cannot be shown as another user's ($!): give the folder to an ordinary user, or run Deed as one\\n";
syscall(429, $tree, $empty, -100, $folder, 4) == 0 or die "move_mount: $!\\n";
close $release; waitpid $child, 0;
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"`

/** ioctl(SIOCSIFFLAGS) with IFF_UP. */
const LOOPBACK_UP = `my $up = pack 'a16 s x22', 'lo', 1; socket my $any, 2, 2, 0; ioctl $any, 0x8914, $up or die "loopback: $!\\n"`
