/** What this machine lets the drill do to it. */
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { freemem } from 'node:os'
import { delimiter, join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'

export interface Machine {
  readonly root: boolean
  readonly linux: boolean
  readonly freeBytes: number
  /** Whether the program is on the PATH. */
  has(program: string): boolean
  /** Whether file systems can be mounted. */
  readonly canMount: boolean
  /** Whether a file can be mounted as a disk. */
  readonly loopDevices: boolean
}

export function thisMachine(): Machine {
  const has = (program: string): boolean =>
    (process.env.PATH ?? '').split(delimiter).some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  const root = process.getuid?.() === 0
  return {
    root,
    linux: process.platform === 'linux',
    freeBytes: freemem(),
    has,
    canMount: root && process.platform === 'linux' && mounts(),
    loopDevices: root && has('losetup') && succeeds('losetup', '--find'),
  }
}

/** The first thing that is missing, as a reason. */
export const firstMissing = (...checks: readonly (readonly [boolean, string])[]): string | undefined =>
  checks.find(([there]) => !there)?.[1]

/** Root in a container may be kept from it. */
function mounts(): boolean {
  using folder = temporaryFolder()
  return (
    succeeds('mount', '-t', 'tmpfs', '-o', 'size=64k', 'deed-drill', folder.path) && succeeds('umount', folder.path)
  )
}

function succeeds(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
