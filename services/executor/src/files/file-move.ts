/**
 * file.move: a file or a folder under another name, in the same workspace. What is at the new name is kept unless the action says
 * that it goes. Undone by moving it back, and bringing back what it had replaced.
 */
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Context, Kind, TargetState } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { flush } from '../workspace/flush-folder.ts'
import { refuseHidden, refuseProtected, segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { fileState } from './file-state.ts'
import { beforeFile, type FileBefore, keptOf, oldContent, reversibilityOfFile } from './file-write.ts'
import { codeOf, type Folder, missingFolders, openFolder, openOrMakeFolder } from './folder.ts'
import { isFolder, readNamedFolder } from './named-folder.ts'
import { octal } from './observe-files.ts'
import { refuseOtherMount, refusePut, refuseRemoval } from './refuse-unchangeable.ts'
import { type FileContent, lastOf, readRegularFile, removeEmptyFolders, replaceFile } from './regular-file.ts'

const Input = z.strictObject({
  from: z.string().min(1).max(4096),
  to: z.string().min(1).max(4096),
  /** A file that is at `to` goes; it comes back on undo. */
  overwrite: z.boolean().default(false),
})
export type FileMove = z.output<typeof Input>

/** Of the target, with the state of what is moved. */
export type MoveBefore = FileBefore & {
  /** `sha256:<hex>` of the file that is moved, `tree:<hex>` of the folder. */
  moved: string
  movedMode: number
}

export const fileMove: Kind<FileMove, MoveBefore> = {
  name: 'file.move',
  version: 1,
  input: Input,
  idempotent: true,
  example: { from: 'notes/today.md', to: 'notes/2024/today.md', overwrite: false },
  effectOf: () => 'change',
  summary: ({ from, to, overwrite }) => `move ${from} to ${to}${overwrite ? ', overwriting what is there' : ''}`,
  async before({ from, to, overwrite }, context) {
    const { workspace, world } = context
    const segments = segmentsOf(workspace, from)
    refuseProtected(workspace, segments, world.protectedFiles)
    if (segments.join('/') === segmentsOf(workspace, to).join('/'))
      throw new DeedError('invalid_request', 'from and to are the same path')
    if (isFolder(workspace, from)) return beforeFolderMove({ from, to, overwrite }, context)
    const file = readRegularFile(workspace, segments)
    if (!file) {
      const already = await movedAlready({ from, to, overwrite }, context)
      if (already) return already
      throw new DeedError('not_found', `${from} does not exist`, { path: '$.input.from' })
    }
    const target = await beforeFile({ path: to }, context)
    if (target.state !== 'absent' && !overwrite)
      throw new DeedError('precondition_failed', `${to} exists; say overwrite: true if it may go`)
    return { ...target, moved: fileState(file), movedMode: file.mode, state: `${fileState(file)}>${target.state}` }
  },
  refuse({ from, to }, { workspace }) {
    refuseRemoval(workspace, from)
    refusePut(workspace, to)
    refuseOtherMount(workspace, from, to)
  },
  reversibility: (_, before) => reversibilityOfFile(before),
  irreversibleBecause: ({ unkept }) => unkept,
  postcondition: ({ from, to }, { moved, movedMode }) => ({
    kind: 'all',
    of: isTree(moved)
      ? [{ kind: 'dir', path: from, exists: false }, { kind: 'own_observation' }]
      : [
          { kind: 'file', path: from, exists: false },
          { kind: 'file', path: to, exists: true, sha256: moved.slice('sha256:'.length), mode: octal(movedMode) },
        ],
  }),
  mayHoldAlready: (_, { state }) => state.startsWith(MOVED_ALREADY),
  async observe({ to }, context, { moved, movedMode }) {
    const { state, mode } = await readNamedFolder(to, context)
    const observed = `${to} is a folder with ${state} and mode ${octal(mode)}`
    return state === moved && mode === movedMode ? verified(observed) : failed(observed)
  },
  async execute({ from, to, overwrite }, context, before) {
    const targetState = await stateOfMove({ from, to, overwrite }, context, before)
    if (targetState.at === 'elsewhere')
      throw new DeedError(
        'precondition_failed',
        `somebody has changed one of the two just now: ${targetState.observed}`,
      )
    context.begin()
    await rename(context.workspace, from, to, overwrite || isTree(before.moved))
    return { claimed: `moved ${from} to ${to}`, result: { text: `moved ${from} to ${to}`, data: { from, to } } }
  },
  async compensate({ from, to }, context, before) {
    const { workspace } = context
    context.begin()
    // An undo that died between its two steps has moved it back already.
    if (isTree(before.moved)) {
      if (!isFolder(workspace, from)) await rename(workspace, to, from, true)
    } else if (readAny(workspace, from) === undefined) await rename(workspace, to, from, false)
    else if (isSameFile(workspace, from, to)) await unlinkIn(workspace, to)
    const old = oldContent(targetBefore(before), context)
    const segments = segmentsOf(workspace, to)
    if (old) {
      using folder = openOrMakeFolder(workspace, segments.slice(0, -1), () => undefined)
      await replaceFile(folder, lastOf(segments), old)
    }
    await removeEmptyFolders(workspace, before.missing)
    return `moved ${to} back to ${from}`
  },
  targetState: stateOfMove,
}

/** Begins the state of what this very move has moved before. */
const MOVED_ALREADY = 'absent>'

/** The ledger says what was moved: something else of that name shows nothing. */
async function movedAlready({ from, to }: FileMove, context: Context): Promise<MoveBefore | undefined> {
  const { workspace, action } = context
  if (action.already_so === 'run' || !isAbsent(workspace, from)) return undefined
  const done = (await context.doneBefore()) as MoveBefore | undefined
  if (!done) return undefined
  const { moved, movedMode } = done
  const now = isTree(moved)
    ? isFolder(workspace, to) && (await readNamedFolder(to, context))
    : !isFolder(workspace, to) && readAny(workspace, to)
  if (!now || now.mode !== movedMode || ('state' in now ? now.state : fileState(now)) !== moved) return undefined
  return { missing: [], moved, movedMode, state: `${MOVED_ALREADY}${moved}` }
}

const isTree = (state: string): boolean => state.startsWith('tree:')

async function beforeFolderMove({ from, to }: FileMove, context: Context): Promise<MoveBefore> {
  const { workspace, world } = context
  const [source, target] = [segmentsOf(workspace, from), segmentsOf(workspace, to)]
  if (source.every((segment, index) => segment === target[index]))
    throw new DeedError('invalid_request', `${to} is inside of ${from}`)
  refuseProtected(workspace, target, world.protectedFiles)
  // What another folder holds is never mixed with this one, whatever the action says.
  if (!isAbsent(workspace, to)) throw new DeedError('precondition_failed', `${to} exists; a folder replaces nothing`)
  const { state, mode } = await readNamedFolder(from, context)
  const missing = missingFolders(workspace, target.slice(0, -1))
  refuseHidden(target.slice(-1 - missing.length))
  return { missing, moved: state, movedMode: mode, state: `${state}>absent` }
}

function isAbsent(workspace: Workspace, path: string): boolean {
  const segments = segmentsOf(workspace, path)
  using parent = openFolder(workspace, segments.slice(0, -1))
  return !parent || lstatSync(parent.at(lastOf(segments)), { throwIfNoEntry: false }) === undefined
}

async function stateOfFolderMove({ from, to }: FileMove, context: Context, before: MoveBefore): Promise<TargetState> {
  const { workspace } = context
  const seen = async (path: string) => {
    if (isAbsent(workspace, path)) return 'absent'
    if (!isFolder(workspace, path)) return 'a file'
    const { state, mode } = await readNamedFolder(path, context)
    return state === before.moved && mode === before.movedMode ? 'the folder' : 'another folder'
  }
  const [source, target] = [await seen(from), await seen(to)]
  const observed = `${from} is ${source}, ${to} is ${target}`
  if (source === 'the folder' && target === 'absent') return { at: 'before', observed }
  if (source === 'absent' && target === 'the folder') return { at: 'after', observed }
  return { at: 'elsewhere', observed }
}

const targetState = ({ state }: MoveBefore): string => state.slice(state.indexOf('>') + 1)
const targetBefore = (before: MoveBefore): FileBefore => ({ ...before, state: targetState(before) })

/** Where the two names are. Half way through is this action's doing as well: the file then has both names. */
async function stateOfMove(input: FileMove, context: Context, before: MoveBefore): Promise<TargetState> {
  if (isTree(before.moved)) return stateOfFolderMove(input, context, before)
  const { from, to } = input
  const { workspace } = context
  const [source, target] = [readAny(workspace, from), readAny(workspace, to)]
  const [sourceState, targetNow] = [fileState(source), fileState(target)]
  const moved = (file: FileContent | undefined) => fileState(file) === before.moved && file?.mode === before.movedMode
  const observed = `${from} is ${sourceState}, ${to} is ${targetNow}`
  const asTarget =
    targetNow === targetState(before) &&
    (target === undefined || target.mode === before.mode || before.mode === undefined)
  if (moved(source) && asTarget) return { at: 'before', observed }
  if (source === undefined && moved(target)) return { at: 'after', observed }
  if (moved(source) && (isSameFile(workspace, from, to) || target === undefined)) return { at: 'after', observed }
  return { at: 'elsewhere', observed, kept: await keptOf(to, context, targetBefore(before)) }
}

const readAny = (workspace: Workspace, path: string): FileContent | undefined =>
  readRegularFile(workspace, segmentsOf(workspace, path), { manyNames: true })

function isSameFile(workspace: Workspace, one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => {
    const segments = segmentsOf(workspace, path)
    using folder = openFolder(workspace, segments.slice(0, -1))
    return folder && lstatSync(folder.at(lastOf(segments)), { throwIfNoEntry: false })
  })
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev
}

/** On disk when it resolves. Without `overwrite`, of files alone, it is a second name first, since rename(2) would replace what is there. */
async function rename(workspace: Workspace, from: string, to: string, overwrite: boolean): Promise<void> {
  const [source, target] = [segmentsOf(workspace, from), segmentsOf(workspace, to)]
  using fromFolder = openFolder(workspace, source.slice(0, -1))
  if (!fromFolder) throw new DeedError('precondition_failed', `the folder of ${from} is gone`)
  using toFolder = openOrMakeFolder(workspace, target.slice(0, -1), () => undefined)
  const [old, fresh] = [fromFolder.at(lastOf(source)), toFolder.at(lastOf(target))]
  if (overwrite) {
    crashPoint('executor.mid_effect')
    renameSync(old, fresh)
  } else {
    link(old, fresh, () => isSameFile(workspace, from, to), to)
    crashPoint('executor.mid_effect')
    unlinkSync(old)
  }
  await Promise.all([flush(fromFolder.fd), flush(toFolder.fd)])
}

function link(old: string | Buffer, fresh: string | Buffer, isThere: () => boolean, to: string): void {
  try {
    linkSync(old, fresh)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    // The second name is there when an attempt before this one died between its two steps.
    if (!isThere()) throw new DeedError('precondition_failed', `${to} already exists`)
  }
}

async function unlinkIn(workspace: Workspace, path: string): Promise<void> {
  const segments = segmentsOf(workspace, path)
  using folder: Folder | undefined = openFolder(workspace, segments.slice(0, -1))
  if (!folder) return
  unlinkSync(folder.at(lastOf(segments)))
  await flush(folder.fd)
}
