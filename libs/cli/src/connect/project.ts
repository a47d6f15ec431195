/**
 * The folder whose mesh a command is about: the nearest one, from the current folder up, that has an `execution.yaml` or
 * the data of a mesh.
 */
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export const CONFIG_FILE = 'execution.yaml'
export const DATA_FOLDER = '.deed'
/** The folder of this release: `npm start` has its mesh there. */
export const RELEASE = resolve(import.meta.dirname, '../../../..')
const ROOT_ID = 0

/**
 * A folder above counts only where what it has belongs to this user, to root, or to the owner of the current folder: in
 * a folder that everybody may write to, such as /tmp, a stranger's file would decide what is run.
 *
 * @returns `undefined` where there is none
 */
export function findProject(from: string): string | undefined {
  const trusted = new Set([process.getuid?.(), ROOT_ID, statSync(from).uid])
  const start = resolve(from)
  for (let folder = start; ; folder = dirname(folder)) {
    const found = [CONFIG_FILE, DATA_FOLDER]
      .map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
      .filter((entry) => entry !== undefined)
    if (found.some(({ uid }) => folder === start || trusted.has(uid))) return folder
    if (folder === dirname(folder)) return undefined
  }
}
