/**
 * What kinds have in common that make the new bytes of one file from its old ones. They are undone by bringing back the old
 * bytes, owner and mode, or the absence.
 */
import { DeedError } from '@deed/proto/errors'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { segmentsOf } from '../workspace/workspace.ts'
import { decoded, encodingOf } from './encoding.ts'
import { fileState } from './file-state.ts'
import {
  beforeFile,
  type FileBefore,
  keptMode,
  putFile,
  restoreFile,
  reversibilityOfFile,
  stateOfFile,
} from './file-write.ts'
import { octal } from './observe-files.ts'
import { refusePut } from './refuse-unchangeable.ts'
import { readRegularFile } from './regular-file.ts'
import { unifiedDiff } from './unified-diff.ts'

export type RewrittenBefore = FileBefore & {
  /** The state that the file is to have. */
  wanted: string
  wantedMode: number
  /** The bytes that it is to have are those it has. */
  applied: boolean
}

export interface Rewritten {
  readonly bytes: Buffer
  /** Permission bits; absent: as the file has. */
  readonly mode?: number
  /** Nothing is left to do. */
  readonly already: boolean
}

/**
 * @param rewrite what becomes of a file. @throws {DeedError} where it does not fit
 * @param effectOf what was done, for the result
 */
export const rewriting = <Input extends { path: string }, Fresh extends Rewritten = Rewritten>(
  rewrite: (input: Input, old: Buffer | undefined, mode: number) => Fresh,
  effectOf: (input: Input, fresh: Fresh, before: RewrittenBefore) => Effect,
) =>
  ({
    effectOf: () => 'change',
    async before(input, context) {
      const old = await beforeFile(input, context)
      const mode = keptMode(old)
      const fresh = rewrite(input, contentOf(input, context), mode)
      const wantedMode = fresh.mode ?? mode
      const applied = fresh.already && wantedMode === (old.mode ?? wantedMode)
      return { ...old, wanted: fileState(fresh), wantedMode, applied }
    },
    refuse: ({ path }, { workspace }) => refusePut(workspace, path),
    reversibility: (_, before) => reversibilityOfFile(before),
    irreversibleBecause: ({ unkept }) => unkept,
    postcondition: ({ path }, { wanted, wantedMode }) => ({
      kind: 'file',
      path,
      exists: true,
      sha256: wanted.slice('sha256:'.length),
      mode: octal(wantedMode),
    }),
    mayHoldAlready: (_, before) => before.applied,
    async execute(input, context, before) {
      const bytes = contentOf(input, context)
      if (fileState(bytes === undefined ? undefined : { bytes }) !== before.state)
        throw new DeedError('precondition_failed', `${input.path} was changed by somebody just now; plan again`)
      const fresh = rewrite(input, bytes, keptMode(before))
      await putFile(input.path, fresh.bytes, before.wantedMode, context, before)
      return effectOf(input, fresh, before)
    },
    compensate: restoreFile,
    targetState: ({ path }, context, before) =>
      stateOfFile(path, context, before, { state: before.wanted, mode: before.wantedMode }),
    diff(input, context) {
      const old = contentOf(input, context)
      // The mode is no part of a diff.
      const { bytes } = rewrite(input, old, 0)
      return unifiedDiff(input.path, old && textOf(old), textOf(bytes))
    },
  }) satisfies Partial<Kind<Input, RewrittenBefore>>

const textOf = (bytes: Buffer): string => {
  const encoding = encodingOf(bytes, true)
  return encoding === undefined ? bytes.toString() : decoded(bytes, encoding)
}

const contentOf = ({ path }: { path: string }, { workspace }: Context): Buffer | undefined =>
  readRegularFile(workspace, segmentsOf(workspace, path))?.bytes
