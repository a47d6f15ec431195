/** The files that a load of writes leaves behind: what they are called, what is in them, and whether it is so. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILES_PER_FOLDER_MAX = 500
const CONTENT_BYTES = 64
const COMPARED = 200

export function pathOf(run: string, number: number): string {
  return `bench/${run}/${Math.floor(number / FILES_PER_FOLDER_MAX)}/${number}.txt`
}

/** 64 bytes that no other file has. */
export function contentOf(run: string, number: number): string {
  return `file ${number} of ${run} `.padEnd(CONTENT_BYTES, 'x')
}

/**
 * Counts the files of a load in the workspace, and compares some byte for byte.
 *
 * @param written how many there must be, numbered from 0
 * @throws when one is missing, one too many, or another
 */
export function checkFiles(workspace: string, run: string, written: number): void {
  const folder = join(workspace, 'bench', run)
  const found = existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    : 0
  if (found !== written) throw new Error(`${written} files were claimed to be written, and ${found} are there`)
  const step = Math.max(1, Math.floor(written / COMPARED))
  for (let number = 0; number < written; number += step) {
    const path = pathOf(run, number)
    const content = readFileSync(join(workspace, path), 'utf8')
    if (content !== contentOf(run, number)) throw new Error(`${path} holds ${JSON.stringify(content)}`)
  }
}
