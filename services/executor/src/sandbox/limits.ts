/** How much one command may take of the host. What exceeds a limit is ended, and the error names the limit. */
import { availableParallelism } from 'node:os'
import { findProgram } from '../processes/find-program.ts'

export type Limit = 'memory' | 'processes' | 'file size' | 'processor time' | 'disk' | 'files' | 'output' | 'time'

export const MEMORY_BYTES_MAX = 2 * 1024 * 1024 * 1024
/** Threads count too. */
export const PROCESSES_MAX = 512
export const FILE_BYTES_MAX = 1024 * 1024 * 1024
const OPEN_FILES_MAX = 4096
/** What files of the workspace may grow by, all together. */
export const DISK_BYTES_MAX = 4 * 1024 * 1024 * 1024
export const NEW_FILES_MAX = 100_000

/** sh(1) counts the size of files in blocks of so many bytes. */
const BLOCK_BYTES = 512

// `0` is the writer itself. What cannot be limited is not started.
// Who asked may be gone by the time at which its end would be noticed.
const LAUNCHER = `[ "\${DEED_PARENT-$PPID}" = "$PPID" ] || exit 125
unset DEED_PARENT
ulimit -c 0 && ulimit -f ${FILE_BYTES_MAX / BLOCK_BYTES} && ulimit -n ${OPEN_FILES_MAX} && ulimit -t "$1" || exit 125
shift
while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 125; shift; done
shift
echo launched >&3
exec "$@"`

/** What the launcher writes to descriptor 3 once every limit is set. */
export const LAUNCHED = 'launched'

/**
 * The command that sets the limits of a process on itself and then becomes `argv`. The shell runs a text that never
 * varies; it hands `argv` on and does not read it.
 *
 * @param groups folders of control groups that it enters first, so that all its children are in them
 */
export function limited(argv: readonly string[], timeoutMs: number, groups: readonly string[]): string[] {
  const seconds = Math.ceil(timeoutMs / 1000) * availableParallelism()
  return [findProgram('sh') ?? '/bin/sh', '-c', LAUNCHER, 'deed', String(seconds), ...groups, '--', ...argv]
}
