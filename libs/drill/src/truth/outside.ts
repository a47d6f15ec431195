/** The world as it is, without a word from Deed. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Every entry of a folder: its name in hex where it is no UTF-8, mode, owner, and content or target, and which names are
 * one file.
 */
export function folderState(folder: string): string {
  const lines: string[] = []
  const names = new Map<number, string>()
  const walk = (at: Buffer, below: string): void => {
    for (const name of (readdirSync(at, { encoding: 'buffer' }) as Buffer[]).sort(Buffer.compare)) {
      const path = Buffer.concat([at, Buffer.from('/'), name])
      const shown = `${below}${name.toString().includes('\ufffd') ? `hex:${name.toString('hex')}` : name}`
      const stat = lstatSync(path)
      const about = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`
      if (stat.isSymbolicLink()) lines.push(`${shown} -> ${readlinkSync(path, { encoding: 'buffer' }).toString('hex')}`)
      else if (stat.isDirectory()) {
        lines.push(`${shown}/ ${about}`)
        walk(path, `${shown}/`)
      } else if (stat.isFile()) {
        const other = names.get(stat.ino)
        names.set(stat.ino, shown)
        lines.push(`${shown} ${about} ${other === undefined ? hashOf(path) : `is ${other}`}`)
      } else lines.push(`${shown} ${about} special`)
    }
  }
  walk(Buffer.from(folder), '')
  return lines.join('\n')
}

const hashOf = (path: Buffer): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** The content of a file, or nothing where there is none. */
export function contentOf(root: string, name: string): string | undefined {
  try {
    return readFileSync(join(root, name), 'utf8')
  } catch {
    return undefined
  }
}

export const isFile = (root: string, name: string): boolean =>
  lstatSync(join(root, name), { throwIfNoEntry: false })?.isFile() === true
