/**
 * A small process above a service that no process of the service can leave: whatever loses its parent becomes its child
 * (PR_SET_CHILD_SUBREAPER), whichever session it has moved to and whatever it has done with its environment.
 *
 * It is a program for Perl, so that nothing has to be compiled. On descriptor 3 it writes `main <pid>` when the service's
 * program has been started, or `failed <why>`, and `ended <status>` when that process has ended, with the status of
 * wait(2). It ends when nothing below it is left.
 */
import { findSystemProgram } from './find-program.ts'

/** Numbers of system calls. */
const CALLS: Readonly<Record<string, { prctl: number; setsid: number }>> = {
  x64: { prctl: 157, setsid: 112 },
  arm64: { prctl: 167, setsid: 157 },
}

/** @returns what to put before a command; empty where there is no Perl, or the host's system calls are not known */
export function reaper(): string[] {
  const perl = findSystemProgram('perl')
  const calls = CALLS[process.arch]
  return perl === undefined || calls === undefined ? [] : [perl, '-e', program(calls), '--']
}

/** The name is changed, so that a search for the service's command line finds the service alone. */
const program = ({ prctl, setsid }: { prctl: number; setsid: number }) => `
my @command = @ARGV; $0 = 'deed-reaper';
my @signals = ('TERM', 'INT', 'HUP', 'PIPE'); $SIG{$_} = 'IGNORE' for @signals;
open my $tell, '>&=', 3 or die; fcntl $tell, 2, 1;
sub fail { syswrite $tell, "failed $_[0]\\n"; exit 1 }
syscall(${prctl}, 36, 1, 0, 0, 0) == 0 or fail "no subreaper: $!";
pipe my $failed, my $fails or fail $!;
my $child = fork // fail $!;
if (!$child) {
  $SIG{$_} = 'DEFAULT' for @signals;
  syscall ${setsid};
  exec { $command[0] } @command or syswrite $fails, "$!"; exit 127;
}
close $fails; open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
sysread $failed, my $why, 1024 and fail $why;
syswrite $tell, "main $child\\n";
while ((my $pid = wait) != -1) { syswrite $tell, "ended $?\\n" if $pid == $child }`
