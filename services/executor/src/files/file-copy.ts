/**
 * file.copy: the bytes and the mode of a file under another name as well, in the same workspace. It replaces nothing. Undone by
 * removing the copy.
 */
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Context, Kind, TargetState } from '../kind/kind.ts'
import { refuseProtected, segmentsOf } from '../workspace/workspace.ts'
import { fileState } from './file-state.ts'
import { beforeFile, type FileBefore, putFile, restoreFile, reversibilityOfFile, stateOfFile } from './file-write.ts'
import { isFolder } from './named-folder.ts'
import { octal } from './observe-files.ts'
import { refusePut } from './refuse-unchangeable.ts'
import { type FileContent, lastOf, readRegularFile } from './regular-file.ts'

const Input = z.strictObject({
  from: z.string().min(1).max(4096),
  /** With `/` at its end a folder, in which the copy has the name of the file. */
  to: z.string().min(1).max(4096),
})
export type FileCopy = z.output<typeof Input>

/** Of the copy, with the state of what is copied. */
export type CopyBefore = FileBefore & {
  /** `sha256:<hex>` */
  copied: string
  copiedMode: number
  /** Of the new name: `absent`, or `copied` where it is a copy already. */
  target: string
}

export const fileCopy: Kind<FileCopy, CopyBefore> = {
  name: 'file.copy',
  version: 1,
  input: Input,
  idempotent: true,
  example: { from: 'notes/today.md', to: 'notes/tomorrow.md' },
  effectOf: () => 'create',
  summary: (input) => `copy ${input.from} to ${pathOf(input)}`,
  async before(input, context) {
    const { workspace } = context
    const [{ from }, to] = [input, pathOf(input)]
    const segments = segmentsOf(workspace, from)
    refuseProtected(workspace, segments, context.world.protectedFiles)
    if (segments.join('/') === segmentsOf(workspace, to).join('/'))
      throw new DeedError('invalid_request', 'from and to are the same path')
    if (isFolder(workspace, from))
      throw new DeedError('not_a_regular_file', `${from} is a folder; a file alone can be copied`, {
        path: '$.input.from',
      })
    const file = readRegularFile(workspace, segments)
    if (!file) throw new DeedError('not_found', `${from} does not exist`, { path: '$.input.from' })
    if (isFolder(workspace, to))
      throw new DeedError('precondition_failed', `${to} is a folder; to copy into it, say ${to}/`, {
        path: '$.input.to',
      })
    const { state: target, ...before } = await beforeFile({ path: to }, context)
    const copied = fileState(file)
    if (target !== 'absent' && !(target === copied && before.mode === file.mode))
      throw new DeedError('precondition_failed', `${to} exists, and a copy replaces nothing; delete it first`)
    return { ...before, copied, copiedMode: file.mode, target, state: `${copied}>${target}` }
  },
  refuse: (input, { workspace }) => refusePut(workspace, pathOf(input)),
  reversibility: (_, before) => reversibilityOfFile(before),
  irreversibleBecause: ({ unkept }) => unkept,
  postcondition: (input, { copied, copiedMode }) => ({
    kind: 'file',
    path: pathOf(input),
    exists: true,
    sha256: copied.slice('sha256:'.length),
    mode: octal(copiedMode),
  }),
  mayHoldAlready: (_, { target, copied }) => target === copied,
  async execute(input, context, before) {
    const file = sourceOf(input, context)
    if (!file || fileState(file) !== before.copied)
      throw new DeedError('precondition_failed', `${input.from} was changed by somebody just now; plan again`)
    const to = pathOf(input)
    const { at, observed } = await stateOfCopy(input, context, before)
    if (at === 'elsewhere')
      throw new DeedError('precondition_failed', `somebody has put something else there just now: ${observed}`)
    await putFile(to, file.bytes, before.copiedMode, context, targetBefore(before))
    const text = `copied ${input.from} to ${to}`
    return { claimed: text, result: { text, data: { from: input.from, to, bytes: file.bytes.length } } }
  },
  compensate: (input, context, before) => restoreFile({ path: pathOf(input) }, context, targetBefore(before)),
  targetState: stateOfCopy,
}

function stateOfCopy(input: FileCopy, context: Context, before: CopyBefore): Promise<TargetState> {
  return stateOfFile(pathOf(input), context, targetBefore(before), { state: before.copied, mode: before.copiedMode })
}

/** Where the copy is to be. */
const pathOf = ({ from, to }: FileCopy): string => (to.endsWith('/') ? `${to}${lastOf(from.split('/'))}` : to)

const sourceOf = ({ from }: FileCopy, { workspace }: Context): FileContent | undefined =>
  readRegularFile(workspace, segmentsOf(workspace, from))

const targetBefore = (before: CopyBefore): FileBefore => ({ ...before, state: before.target })
