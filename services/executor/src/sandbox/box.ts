/** What a box that namespaces make is like, whatever makes it. */
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import { PROCESSES_MAX } from './limits.ts'
import type { Confined } from './sandbox.ts'

/** Where it is reported what becomes of a command: a JSON object a line. */
export const STATUS_FD = 3
export const SECRETS_FD = 4
export const PASSWD_FD = 5
export const FILTER_FD = 9

export const TMP_BYTES = 256 * 1024 * 1024

/** What of /etc programs need to start; nothing in it is a secret. */
export const SYSTEM_FILES = ['/etc/alternatives', '/etc/ld.so.cache', '/etc/ssl/certs']

/** The text of /etc/passwd inside: programs such as initdb look up who they are, and nobody else of the host is in it. */
export const passwd = (uid: number, gid: number): string => `nobody:x:${uid}:${gid}:nobody:/:/usr/sbin/nologin\n`

/** Where the proxy's socket is inside, and the program that brings a command there. */
export const EGRESS_SOCKET = '/run/egress.sock'
export const BRIDGE_FILE = '/run/egress-bridge.mts'
export const BRIDGE_SOURCE = join(import.meta.dirname, 'egress-bridge.mts')

/** The command, with the bridge before it where it may reach something. */
export const bridged = ({ argv, egressSocket }: Pick<Confined, 'argv' | 'egressSocket'>): readonly string[] =>
  egressSocket === undefined ? argv : [process.execPath, BRIDGE_FILE, EGRESS_SOCKET, ...argv]

export const environmentOf = ({ workspace, env }: Pick<Confined, 'workspace' | 'env'>): Record<string, string> => ({
  PATH: PROGRAM_FOLDERS.join(':'),
  HOME: workspace,
  LANG: 'C.UTF-8',
  ...env,
})

/** Without a control group the processes are counted by their user, which is one of the box alone. */
export function countingProcesses(argv: readonly string[]): readonly string[] {
  const prlimit = findProgram('prlimit')
  return prlimit === undefined ? argv : [prlimit, `--nproc=${PROCESSES_MAX}`, '--', ...argv]
}

/** @returns what opens the filter of system calls, as the kernel takes it */
export function keepFilter(folder: string, filter: Buffer): () => number {
  const file = join(folder, 'filter.bpf')
  writeFileSync(file, filter, { mode: 0o600 })
  return () => openSync(file, 'r')
}
