/**
 * The files that the arguments of a program name, and how they are. An approval of a command is bound to them: what
 * changes elsewhere in its workspace does not void it.
 */
import { lstatSync } from 'node:fs'
import type { Facts } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { redact } from '@deed/telemetry/redact'
import { segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { fileState } from './file-state.ts'
import { openFolder } from './folder.ts'
import { isIgnored } from './ignored.ts'
import { lastOf, readRegularFile } from './regular-file.ts'

const FILES_MAX = 64
const PATH_CHARS_MAX = 1_000
/** Between the words of a script that is an argument, and the name of an option and its value. */
const BETWEEN = /[\s'"`;|&<>(){}=,]+/

/**
 * How those files are that exist, by their paths below the root; of a folder only that it is one.
 *
 * @param folder in which relative paths start, below the root
 */
export function filesNamedBy(argv: readonly string[], workspace: Workspace, folder: readonly string[]): Facts {
  const words = argv.slice(1).flatMap((argument) => [argument, ...argument.split(BETWEEN)])
  const found: Facts = {}
  for (const word of new Set(words)) {
    if (Object.keys(found).length === FILES_MAX) break
    const state = stateAt(word, workspace, folder)
    if (state !== undefined && state.is !== 'absent') found[redact(state.path)] = state.is
  }
  return found
}

/** How declared files are, by their paths below the root. @throws {DeedError} `path_outside_workspace` */
export function filesDeclared(paths: readonly string[], workspace: Workspace): Facts {
  return Object.fromEntries(
    paths.map((path) => {
      segmentsOf(workspace, path)
      const state = stateAt(path, workspace, workspace.base)
      return [state?.path ?? path, state?.is ?? 'absent']
    }),
  )
}

function stateAt(
  path: string,
  workspace: Workspace,
  folder: readonly string[],
): { path: string; is: string } | undefined {
  if (path === '' || path.length > PATH_CHARS_MAX) return undefined
  try {
    const segments = segmentsOf({ ...workspace, base: folder }, path)
    const below = segments.join('/')
    if (segments.length === 0 || isIgnored(workspace.ignore ?? [], below)) return undefined
    using parent = openFolder(workspace, segments.slice(0, -1))
    const stat = parent && lstatSync(parent.at(lastOf(segments)), { throwIfNoEntry: false })
    if (!stat) return { path: below, is: 'absent' }
    if (stat.isDirectory()) return { path: below, is: 'a folder' }
    return {
      path: below,
      is: stat.isFile() ? fileState(readRegularFile(workspace, segments, { manyNames: true })) : 'no file',
    }
  } catch (error) {
    // A word that is no path, leads out of the workspace or through a link, or names what is too large to be read.
    if (error instanceof DeedError || (error as NodeJS.ErrnoException).code !== undefined) return undefined
    throw error
  }
}
