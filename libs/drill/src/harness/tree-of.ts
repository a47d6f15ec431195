/** What a folder holds, to the byte: names, modes, contents and the targets of links, as one text that can be compared. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** A line for each entry, sorted by name. */
export function treeOf(folder: string, below = ''): string {
  const lines: string[] = []
  for (const name of readdirSync(join(folder, below)).sort()) {
    const path = join(below, name)
    const file = join(folder, path)
    const stat = lstatSync(file)
    const mode = (stat.mode & 0o7777).toString(8)
    if (stat.isSymbolicLink()) lines.push(`${path} link ${readlinkSync(file)}`)
    else if (stat.isDirectory()) lines.push(`${path}/ ${mode}`, treeOf(folder, path))
    else lines.push(`${path} ${mode} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`)
  }
  return lines.filter((line) => line !== '').join('\n')
}
