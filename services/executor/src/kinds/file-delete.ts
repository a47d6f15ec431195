/** file.delete: a file is no more. Undone by bringing back its bytes and mode. */

import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { readRegularFile, removeFile } from '../files/regular-file.ts'
import { segmentsOf } from '../files/workspace.ts'
import { beforeFile, type FileBefore, restoreFile, standingOfFile, stateOf } from './file-write.ts'
import type { Kind } from './kind.ts'

const Input = z.strictObject({ path: z.string().min(1).max(4096) })
export type FileDelete = z.output<typeof Input>

export const fileDelete: Kind<FileDelete, FileBefore> = {
  name: 'file.delete',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/old.md' },
  effectOf: () => 'delete',
  summary: ({ path }) => `delete ${path}`,
  before: beforeFile,
  reversibility: () => 'reversible',
  postcondition: ({ path }) => ({ kind: 'file', path, exists: false }),
  mayHoldAlready: (_, before) => before.state === 'absent',
  async execute({ path }, context, before) {
    const segments = segmentsOf(context.workspace, path)
    const file = readRegularFile(context.workspace, segments)
    // What is kept for the undo must be what goes.
    if (file && stateOf(file) !== before.state)
      throw new DeedError('precondition_failed', `${path} was changed by somebody just now; plan again`)
    context.begin()
    crashPoint('executor.mid_effect')
    await removeFile(context.workspace, segments)
    const bytes = file?.bytes.length ?? 0
    return {
      claimed: `deleted ${path}`,
      result: { text: `deleted ${path} (${bytes} bytes)`, data: { path, bytes } },
    }
  },
  compensate: restoreFile,
  standing: async ({ path }, context, before) => standingOfFile(path, context, before, 'absent'),
}
