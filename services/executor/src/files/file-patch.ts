/**
 * file.patch: a unified diff applied to one file, whose context must match to the byte. Undone by bringing back the old
 * bytes and mode.
 */

import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Kind } from '../kind/kind.ts'
import { applyHunks, type FilePatch as OneFile, parseDiff, reversed } from './patch.ts'
import { type Rewritten, type RewrittenBefore, rewriting } from './rewritten-file.ts'

const DIFF_CHARS_MAX = 1_000_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  /** Of this file alone; a header, where there is one, must name it. */
  diff: z.string().min(1).max(DIFF_CHARS_MAX),
})
export type FilePatch = z.output<typeof Input>

export const filePatch: Kind<FilePatch, RewrittenBefore> = {
  name: 'file.patch',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/today.md', diff: '@@ -1 +1 @@\n-# Today\n+# Tomorrow\n' },
  summary: ({ path, diff }) => `apply a diff of ${counted(patchOf(path, diff).hunks.length, 'hunk')} to ${path}`,
  ...rewriting(patched, ({ path, diff }, { bytes }) => {
    const hunks = patchOf(path, diff).hunks.length
    return {
      claimed: `applied ${counted(hunks, 'hunk')} to ${path}`,
      result: { text: `patched ${path} (${counted(hunks, 'hunk')})`, data: { path, hunks, bytes: bytes.length } },
    }
  }),
}

function patched({ path, diff }: FilePatch, old: Buffer | undefined, mode: number): Rewritten {
  const patch = patchOf(path, diff)
  if (old === undefined && patch.from !== null)
    throw new DeedError('precondition_failed', `${path} does not exist; a diff that makes it begins with --- /dev/null`)
  return { ...applied(old, patch), mode: modeAfter(patch, mode) }
}

function patchOf(path: string, diff: string): OneFile {
  const [patch, ...others] = parseDiff(diff, 'diff')
  const refuse = (why: string) => new DeedError('invalid_request', why, { path: '$.input.diff' })
  if (!patch || others.length > 0) throw refuse('the diff is of several files: use git.apply')
  if (patch.to === null) throw refuse('a diff that removes the file: use file.delete')
  if (patch.copies || (patch.from && patch.from !== patch.to))
    throw refuse('a diff that moves or copies: use git.apply')
  const plain = path.replace(/^\.?\//, '')
  const { to: named } = patch
  if (named !== undefined && plain !== named && !plain.endsWith(`/${named}`))
    throw refuse(`the diff is of ${named}, not of ${path}`)
  return patch
}

/** @param mode of the file as it is, or as a new one has it */
export const modeAfter = ({ executable }: OneFile, mode: number): number =>
  executable === undefined ? mode : executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111

/** Applied already is what the reversed diff fits, and this one does not. */
function applied(old: Buffer | undefined, patch: OneFile): { bytes: Buffer; already: boolean } {
  const bytes = old ?? Buffer.alloc(0)
  try {
    // A diff that makes a file fits none that is there.
    if (patch.from === null && old !== undefined) throw new DeedError('precondition_failed', 'the file exists already')
    return { bytes: applyHunks(bytes, patch.hunks), already: false }
  } catch (error) {
    if (old === undefined || !fits(bytes, reversed(patch))) throw error
    return { bytes, already: true }
  }
}

/** Of a file that the diff makes, nothing may be left without it. */
function fits(bytes: Buffer, { to, hunks }: OneFile): boolean {
  try {
    return applyHunks(bytes, hunks).length === 0 || to !== null
  } catch (error) {
    if (error instanceof DeedError) return false
    throw error
  }
}
