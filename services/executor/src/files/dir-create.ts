/** dir.create: a folder, with those above it. Undone by removing the ones it made, as far as they are empty. */

import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Before, Kind } from '../kind/kind.ts'
import { refuseHidden, refuseProtected, segmentsOf } from '../workspace/workspace.ts'
import { missingFolders, openOrMakeFolder } from './folder.ts'
import { refusePut } from './refuse-unchangeable.ts'
import { removeEmptyFolders } from './regular-file.ts'

const Input = z.strictObject({ path: z.string().min(1).max(4096) })
export type DirCreate = z.output<typeof Input>

export type DirBefore = Before & {
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
}

export const dirCreate: Kind<DirCreate, DirBefore> = {
  name: 'dir.create',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/archive' },
  effectOf: () => 'create',
  summary: ({ path }) => `create the folder ${path}`,
  async before({ path }, { workspace, world }) {
    const segments = segmentsOf(workspace, path)
    refuseProtected(workspace, segments, world.protectedFiles)
    const missing = missingFolders(workspace, segments)
    refuseHidden(segments.slice(segments.length - missing.length))
    return { state: missing.length === 0 ? 'dir' : 'absent', missing }
  },
  refuse({ path }, { workspace }, { state }) {
    if (state === 'absent') refusePut(workspace, path)
  },
  reversibility: () => 'reversible',
  postcondition: ({ path }) => ({ kind: 'dir', path, exists: true }),
  mayHoldAlready: (_, before) => before.state === 'dir',
  async execute({ path }, context) {
    context.begin()
    const made: string[] = []
    using _folder = openOrMakeFolder(context.workspace, segmentsOf(context.workspace, path), (folder) => {
      made.push(folder)
      crashPoint('executor.mid_effect')
    })
    return { claimed: `created ${path}`, result: { text: `created ${path}`, data: { path, made } } }
  },
  async compensate({ path }, context, before) {
    context.begin()
    await removeEmptyFolders(context.workspace, before.missing)
    const left = missingStill(context.workspace, before)
    if (left !== undefined)
      throw new DeedError('undo_conflict', `${left} is not empty: somebody has put something there since`)
    return `removed ${path}`
  },
  async targetState({ path }, { workspace }, before) {
    const missing = missingFolders(workspace, segmentsOf(workspace, path))
    const observed = missing.length === 0 ? `${path} is a folder` : `${missing[0]} does not exist`
    if (missing.length === before.missing.length) return { at: 'before', observed }
    // Half made and wholly made are both this action's doing.
    return { at: 'after', observed }
  },
}

function missingStill(workspace: Parameters<typeof missingFolders>[0], { missing }: DirBefore): string | undefined {
  return missing.find((path) => missingFolders(workspace, path.split('/')).length === 0)
}
