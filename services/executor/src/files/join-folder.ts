/** A folder opened once for all who ask for it in one turn of the event loop: the actions of a batch often share one. */

import type { Workspace } from '../workspace/workspace.ts'
import { type Folder, openFolder } from './folder.ts'

interface Shared {
  readonly folder: Folder
  /** Who has it, and the turn itself. */
  users: number
}

const ofThisTurn = new Map<string, Shared>()

/**
 * As `openFolder`. It was checked in this turn, and a write holds its folder for many. The check of a write
 * opens it again.
 */
export function joinFolder(workspace: Workspace, segments: readonly string[]): Folder | undefined {
  const path = `${workspace.root}/${segments.join('/')}`
  const shared = ofThisTurn.get(path) ?? share(path, openFolder(workspace, segments))
  if (!shared) return undefined
  shared.users++
  let left = false
  return {
    fd: shared.folder.fd,
    path: shared.folder.path,
    at: shared.folder.at,
    [Symbol.dispose]() {
      if (!left) leave(shared)
      left = true
    },
  }
}

function share(path: string, folder: Folder | undefined): Shared | undefined {
  if (!folder) return undefined
  const shared = { folder, users: 1 }
  if (ofThisTurn.size === 0) setImmediate(endTurn)
  ofThisTurn.set(path, shared)
  return shared
}

function endTurn(): void {
  for (const shared of ofThisTurn.values()) leave(shared)
  ofThisTurn.clear()
}

function leave(shared: Shared): void {
  shared.users--
  if (shared.users === 0) shared.folder[Symbol.dispose]()
}
