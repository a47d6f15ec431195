/** Where programs are looked for; nothing that a workspace brings along is found by name. */
import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'

/** Of this very Node, which is not always the one of the host. */
export const NODE_FOLDER = dirname(process.execPath)

export const PROGRAM_FOLDERS: readonly string[] = [NODE_FOLDER, '/usr/bin', '/bin']

/** @returns the absolute path of a program, looked for in `PROGRAM_FOLDERS` only */
export function findProgram(name: string): string | undefined {
  return PROGRAM_FOLDERS.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
