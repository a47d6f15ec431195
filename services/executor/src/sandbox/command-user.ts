/**
 * Who a command is on the host when Deed itself is root: the owner of its workspace, so that it can change what is there,
 * and what it makes is theirs. Where that is root as well, it is nobody, and the workspace is shown to it with what root
 * owns as nobody's: what it makes is root's on the disk, and it has none of the rights of root meanwhile. Giving root's
 * number to a user namespace would be simpler, but the kernel's own files ask for the number, not for rights.
 */
import { statSync } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import { findSystemProgram } from '../processes/find-program.ts'
import type { KernelCalls } from './kernel-calls.ts'

export const NOBODY = 65534

export interface CommandUser {
  readonly uid: number
  readonly gid: number
  /** Whether the workspace is root's. */
  readonly ownsAsRoot: boolean
}

/** @returns `undefined` where Deed runs as an ordinary user: then a command does, too */
export function commandUser(workspace: string): CommandUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const { uid, gid } = statSync(workspace)
  if (uid === 0) return { uid: NOBODY, gid: NOBODY, ownsAsRoot: true }
  return { uid, gid: gid === 0 ? NOBODY : gid, ownsAsRoot: false }
}

/** Becomes the user, and runs what follows. */
export const becoming = ({ uid, gid }: CommandUser): string[] => [
  ...[findSystemProgram('setpriv') ?? '/usr/bin/setpriv', '--reuid', String(uid), '--regid', String(gid)],
  '--clear-groups',
]

/**
 * Shows the workspace to the command, and to nobody else, as its user's.
 *
 * @throws {DeedError} `effect_failed` where this host has nothing to do that with
 */
export function ownedByUser(
  { uid, ownsAsRoot }: CommandUser,
  workspace: string,
  calls: KernelCalls | undefined,
  argv: readonly string[],
): readonly string[] {
  if (!ownsAsRoot) return argv
  const unshare = findSystemProgram('unshare')
  if (calls === undefined || unshare === undefined)
    throw new DeedError(
      'effect_failed',
      `${workspace} is root's, and this host has no unshare or no perl to show it as another user's: give it to an ordinary user, or run Deed as one`,
      { details: { started: false } },
    )
  return [unshare, '--mount', '--propagation', 'private', '--', ...calls.ownedBy(uid, workspace, argv)]
}
