/** Where programs are looked for; nothing that a workspace brings along is found by name. */
import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'

/** Of this very Node, which is not always the one of the host. */
export const NODE_FOLDER = dirname(process.execPath)

export const PROGRAM_FOLDERS: readonly string[] = [NODE_FOLDER, '/usr/bin', '/bin']

/** Where the programs are that set up a sandbox; commands are not given them by name. */
const SYSTEM_FOLDERS: readonly string[] = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** @returns the absolute path of a program, looked for in `PROGRAM_FOLDERS` only */
export const findProgram = (name: string): string | undefined => findIn(PROGRAM_FOLDERS, name)

/** @returns the absolute path of a program of the host's own, also of those for the administrator */
export const findSystemProgram = (name: string): string | undefined => findIn(SYSTEM_FOLDERS, name)

function findIn(folders: readonly string[], name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
