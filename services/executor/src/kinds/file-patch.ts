/**
 * file.patch: a unified diff applied to one file, whose context must match to the byte. Undone by bringing back the old
 * bytes and mode.
 */

import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { applyPatch, type Patch, parsePatch, reversed } from '../files/apply-patch.ts'
import { fileState } from '../files/file-state.ts'
import { octal } from '../files/observe-files.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { unifiedDiff } from '../files/unified-diff.ts'
import { segmentsOf } from '../files/workspace.ts'
import {
  beforeFile,
  type FileBefore,
  keptMode,
  putFile,
  restoreFile,
  reversibilityOfFile,
  standingOfFile,
} from './file-write.ts'
import type { Context, Kind } from './kind.ts'

const DIFF_CHARS_MAX = 1_000_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  /** Of this file alone; a header, where there is one, must name it. */
  diff: z.string().min(1).max(DIFF_CHARS_MAX),
})
export type FilePatch = z.output<typeof Input>

export type PatchBefore = FileBefore & {
  /** The state that the file is to have. */
  wanted: string
  /** The bytes that it is to have are those it has. */
  applied: boolean
}

export const filePatch: Kind<FilePatch, PatchBefore> = {
  name: 'file.patch',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/today.md', diff: '@@ -1 +1 @@\n-# Today\n+# Tomorrow\n' },
  effectOf: () => 'change',
  summary: ({ path, diff }) => `apply a diff of ${parsePatch(diff).hunks.length} hunks to ${path}`,
  async before({ path, diff }, context) {
    const patch = patchOf(path, diff)
    const old = await beforeFile({ path }, context)
    const bytes = contentOf(path, context)
    if (bytes === undefined && patch.from !== null)
      throw new DeedError(
        'precondition_failed',
        `${path} does not exist; a diff that makes it begins with --- /dev/null`,
      )
    const fresh = applied(bytes, patch)
    return { ...old, wanted: fileState({ bytes: fresh.bytes }), applied: fresh.already }
  },
  reversibility: (_, before) => reversibilityOfFile(before),
  postcondition: ({ path }, { wanted, mode }) => ({
    kind: 'file',
    path,
    exists: true,
    sha256: wanted.slice('sha256:'.length),
    ...(mode === undefined ? {} : { mode: octal(mode) }),
  }),
  mayHoldAlready: (_, before) => before.applied,
  async execute({ path, diff }, context, before) {
    const bytes = contentOf(path, context)
    if (fileState(bytes === undefined ? undefined : { bytes }) !== before.state)
      throw new DeedError('precondition_failed', `${path} was changed by somebody just now; plan again`)
    const fresh = applyPatch(bytes ?? Buffer.alloc(0), parsePatch(diff))
    await putFile(path, fresh, undefined, context, before)
    const hunks = parsePatch(diff).hunks.length
    return {
      claimed: `applied ${hunks} hunks to ${path}`,
      result: { text: `patched ${path} (${hunks} hunks)`, data: { path, hunks, bytes: fresh.length } },
    }
  },
  compensate: restoreFile,
  standing: ({ path }, context, before) =>
    standingOfFile(path, context, before, { state: before.wanted, mode: keptMode(before) }),
  diff({ path, diff }, context) {
    const old = contentOf(path, context)
    return unifiedDiff(path, old?.toString(), applied(old, patchOf(path, diff)).bytes.toString())
  },
}

function patchOf(path: string, diff: string): Patch {
  const patch = parsePatch(diff)
  if (patch.to === null) throw new DeedError('invalid_request', 'a diff that removes the file: use file.delete')
  const plain = path.replace(/^\.?\//, '')
  for (const named of [patch.from, patch.to]) {
    if (typeof named === 'string' && plain !== named && !plain.endsWith(`/${named}`))
      throw new DeedError('invalid_request', `the diff is of ${named}, not of ${path}`, { path: '$.input.diff' })
  }
  return patch
}

/** Applied already is what the reversed diff fits, and this one does not. */
function applied(old: Buffer | undefined, patch: Patch): { bytes: Buffer; already: boolean } {
  const bytes = old ?? Buffer.alloc(0)
  try {
    // A diff that makes a file fits none that is there.
    if (patch.from === null && old !== undefined) throw new DeedError('precondition_failed', 'the file exists already')
    return { bytes: applyPatch(bytes, patch), already: false }
  } catch (error) {
    if (old === undefined || !fits(bytes, reversed(patch))) throw error
    return { bytes, already: true }
  }
}

function fits(bytes: Buffer, patch: Patch): boolean {
  try {
    return applyPatch(bytes, patch).length === 0 || patch.to !== null
  } catch (error) {
    if (error instanceof DeedError) return false
    throw error
  }
}

const contentOf = (path: string, { workspace }: Context): Buffer | undefined =>
  readRegularFile(workspace, segmentsOf(workspace, path))?.bytes
