/**
 * file.delete: a file is no more, or a folder with all that is in it where the action says so. Undone by bringing back
 * names, bytes, modes and links.
 */

import { counted } from '@deed/config/counted'
import { crashPoint } from '@deed/process/crash-point'
import type { Reversibility } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Context, Effect, Kind, Snapshot, TargetState } from '../kind/kind.ts'
import { refuseProtected, segmentsOf } from '../workspace/workspace.ts'
import { bringBack } from './bring-back.ts'
import { fileState } from './file-state.ts'
import { beforeFile, type FileBefore, restoreFile, reversibilityOfFile, stateOfFile } from './file-write.ts'
import {
  isFolder,
  isPartOf,
  keepEntries,
  keepNamedFolder,
  keptEntries,
  readNamedFolder,
  removeNamedFolder,
} from './named-folder.ts'
import { refuseRemoval, refuseRemovalOf } from './refuse-unchangeable.ts'
import { readRegularFile, removeFile } from './regular-file.ts'
import { temporaryNameOf } from './temporary-name.ts'
import type { Changes, Entry } from './tree.ts'

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  /** The path may be a folder, which goes with all that is in it. */
  recursive: z.boolean().default(false),
})
export type FileDelete = z.output<typeof Input>

export type DeleteBefore = FileBefore & {
  /** Of a folder: the hash under which its entries are kept. */
  entries?: string
}

export const fileDelete: Kind<FileDelete, DeleteBefore> = {
  name: 'file.delete',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/old.md' },
  effectOf: () => 'delete',
  summary: ({ path, recursive }) => `delete ${path}${recursive ? ' and all that is in it' : ''}`,
  async before({ path, recursive }, context) {
    if (!isFolder(context.workspace, path)) return beforeFile({ path }, context)
    if (!recursive)
      throw new DeedError('not_a_regular_file', `${path} is a folder; say recursive: true if all in it may go`)
    const segments = segmentsOf(context.workspace, path)
    if (segments.length === 0)
      throw new DeedError('not_a_regular_file', `${path} is the workspace; name a folder in it`)
    refuseProtected(context.workspace, segments, context.world.protectedFiles)
    const { state, mode, uid, gid, entries } = await readNamedFolder(path, context)
    const unkept = await keepNamedFolder(path, context)
    const known = { state, mode, uid, gid, missing: [], entries: await keepEntries(context, entries) }
    return unkept === undefined ? known : { ...known, unkept }
  },
  async refuse({ path }, context, before) {
    const { workspace } = context
    if (before.entries === undefined) refuseRemoval(workspace, path)
    else refuseRemovalOf(workspace, path, Object.keys((await readNamedFolder(path, context)).entries))
  },
  reversibility: (_, before): Reversibility => reversibilityOfFile(before),
  irreversibleBecause: ({ unkept }) => unkept,
  postcondition: ({ path }, { entries }) => ({ kind: entries === undefined ? 'file' : 'dir', path, exists: false }),
  mayHoldAlready: (_, before) => before.state === 'absent',
  execute: (input, context, before) =>
    before.entries === undefined ? deleteFile(input, context, before) : deleteFolder(input, context, before.entries),
  async compensate(input, context, before) {
    if (before.entries === undefined) return restoreFile(input, context, before)
    const changes = changesOf(input, context, { ...before, entries: before.entries })
    context.begin()
    await bringBack({ ...context.workspace, base: [] }, context.world.blobs, changes, temporaryNameOf(context.actionId))
    return `brought back ${input.path} with ${counted(Object.keys(changes).length - 1, 'thing')} in it`
  },
  targetState: (input, context, before) =>
    before.entries === undefined
      ? stateOfFile(input.path, context, before, { state: 'absent' })
      : stateOfFolder(input, context, { ...before, entries: before.entries }),
}

async function deleteFile({ path }: FileDelete, context: Context, before: DeleteBefore): Promise<Effect> {
  const segments = segmentsOf(context.workspace, path)
  const file = readRegularFile(context.workspace, segments)
  // What is kept for the undo must be what goes.
  if (file && fileState(file) !== before.state)
    throw new DeedError('precondition_failed', `${path} was changed by somebody just now; plan again`)
  context.begin()
  crashPoint('executor.mid_effect')
  await removeFile(context.workspace, segments)
  const bytes = file?.bytes.length ?? 0
  return {
    claimed: `deleted ${path}`,
    result: { text: `deleted ${path} (${counted(bytes, 'byte')})`, data: { path, bytes } },
  }
}

async function deleteFolder({ path }: FileDelete, context: Context, kept: string): Promise<Effect> {
  const entries = keptEntries(context, kept)
  if (isFolder(context.workspace, path)) {
    const now = await readNamedFolder(path, context)
    if (!isPartOf(now.entries, entries))
      throw new DeedError('precondition_failed', `something in ${path} was changed by somebody just now; plan again`)
    context.begin()
    await removeNamedFolder(context.workspace, path, entries)
  }
  const count = Object.keys(entries).length
  return {
    claimed: `deleted ${path}`,
    result: { text: `deleted ${path} with ${counted(count, 'thing')} in it`, data: { path, entries: count } },
  }
}

type FolderBefore = DeleteBefore & { entries: string }

/** The folder and all in it, as paths below the root: what was, and is no more. */
function changesOf(
  { path }: FileDelete,
  context: Context,
  { entries, mode = 0o755, uid = 0, gid = 0 }: FolderBefore,
): Changes {
  const top = segmentsOf(context.workspace, path).join('/')
  const folder: Entry = { type: 'dir', mode, uid, gid }
  const inner = Object.entries(keptEntries(context, entries)).map(([one, entry]): [string, Entry] =>
    entry.type === 'file' && entry.same !== undefined
      ? [one, { ...entry, same: `${top}/${entry.same}` }]
      : [one, entry],
  )
  const all = [[top, folder] as const, ...inner.map(([one, entry]) => [`${top}/${one}`, entry] as const)]
  return Object.fromEntries(all.map(([one, was]) => [one, { was, is: null }]))
}

async function stateOfFolder({ path }: FileDelete, context: Context, before: FolderBefore): Promise<TargetState> {
  if (!isFolder(context.workspace, path)) {
    const file = readRegularFile(context.workspace, segmentsOf(context.workspace, path), { manyNames: true })
    if (!file) return { at: 'after', observed: `${path} does not exist` }
    return { at: 'elsewhere', observed: `${path} is a file now`, kept: filesIn(path, context, before) }
  }
  const now = await readNamedFolder(path, context)
  const observed = `${path} is a folder with ${counted(Object.keys(now.entries).length, 'thing')} in it`
  if (now.state === before.state && now.mode === before.mode) return { at: 'before', observed }
  // Half of it gone, or half of it back, is this action's doing.
  if (isPartOf(now.entries, keptEntries(context, before.entries))) return { at: 'after', observed }
  return { at: 'elsewhere', observed: `${observed}, not all of it as before`, kept: filesIn(path, context, before) }
}

const filesIn = (path: string, context: Context, { entries, unkept }: FolderBefore): Snapshot[] =>
  Object.entries(unkept ? {} : keptEntries(context, entries)).flatMap(([one, entry]) =>
    entry.type === 'file' ? { path: `${path}/${one}`, sha256: entry.sha256 } : [],
  )
