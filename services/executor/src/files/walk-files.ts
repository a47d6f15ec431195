/**
 * What is in a folder of a workspace, in the order of the names: without following links, and without what Deed itself has
 * there for a moment.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isProtectedName } from '@deed/config/protected-names'
import { isPlaceholder } from '../sandbox/placeholder.ts'
import { HIDDEN } from '../sandbox/protect-paths.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { nameOfBytes } from './file-name.ts'
import { codeOf, type Folder, openFolder } from './folder.ts'
import { isTemporaryName } from './temporary-name.ts'

export interface Found {
  /** Below the root. */
  readonly segments: readonly string[]
  readonly type: 'file' | 'folder' | 'link' | 'other'
}

/** They are only entered where they are named. */
const NOT_ENTERED: ReadonlySet<string> = new Set([...HIDDEN, '.git', 'node_modules'])

/**
 * @param deep whether it enters the folders that it finds; those that it may not read are left out
 * @param enters which of these it enters
 */
export async function* walkFiles(
  workspace: Workspace,
  below: readonly string[],
  deep: boolean,
  signal: AbortSignal,
  enters: (segments: readonly string[]) => boolean = () => true,
): AsyncGenerator<Found> {
  for (const { name, type } of await entriesOf(workspace, below)) {
    signal.throwIfAborted()
    const segments = [...below, name]
    yield { segments, type }
    if (!deep || type !== 'folder' || NOT_ENTERED.has(name.toLowerCase()) || !enters(segments)) continue
    try {
      yield* walkFiles(workspace, segments, deep, signal, enters)
    } catch (error) {
      if (codeOf(error) !== 'EACCES') throw error
    }
  }
}

/** The names in a folder, none where there is no such folder. */
export function namesIn(workspace: Workspace, below: readonly string[]): string[] {
  using folder = openFolder(workspace, below)
  return folder ? readdirSync(folder.path) : []
}

async function entriesOf(workspace: Workspace, below: readonly string[]) {
  using folder = openFolder(workspace, below)
  // Gone while it was walked.
  if (!folder) return []
  const entries = await readdir(folder.path, { encoding: 'buffer', withFileTypes: true })
  return entries
    .map((entry) => ({ name: nameOfBytes(entry.name), type: typeOf(entry) }))
    .filter(({ name }) => !isTemporaryName(name) && !standsIn(folder, name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function standsIn(folder: Folder, name: string): boolean {
  const stat = isProtectedName(name) && lstatSync(folder.at(name), { throwIfNoEntry: false })
  return stat ? isPlaceholder(name, stat) : false
}

function typeOf(entry: Dirent<Buffer>): Found['type'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'folder'
  return entry.isSymbolicLink() ? 'link' : 'other'
}
