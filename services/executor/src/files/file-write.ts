/** file.write: a file with exactly this content. Undone by bringing back the old bytes and mode, or none. */

import { lstatSync } from 'node:fs'
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import type { Reversibility } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Observation } from '@deed/proto/observation'
import { z } from 'zod'
import type { Before, Context, Effect, Kind, Snapshot, TargetState, World } from '../kind/kind.ts'
import { refuseHidden, refuseProtected, segmentsOf } from '../workspace/workspace.ts'
import { fileState } from './file-state.ts'
import { missingFolders, openOrMakeFolder } from './folder.ts'
import { joinFolder } from './join-folder.ts'
import { octal } from './observe-files.ts'
import { canGiveTo, type Owner } from './owner.ts'
import { refusePut } from './refuse-unchangeable.ts'
import {
  lastOf,
  type Replacement,
  readFileIn,
  readRegularFile,
  removeEmptyFolders,
  removeFile,
  replaceFile,
} from './regular-file.ts'
import { temporaryNameOf } from './temporary-name.ts'
import { treeLimits } from './tree.ts'
import { unifiedDiff } from './unified-diff.ts'

const CONTENT_CHARS_MAX = 1_000_000
const MODE_DEFAULT = 0o644
/** Old content up to this size is kept in the ledger itself, in base64; larger content in the snapshots. */
const INLINE_BYTES_MAX = 32 * 1024

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  content: z.string().max(CONTENT_CHARS_MAX),
  /** Permission bits, as `0644`; absent: as the file has, or 0644. */
  mode: z
    .string()
    .regex(/^0[0-7]{3}$/)
    .optional(),
})
export type FileWrite = z.output<typeof Input>

export type FileBefore = Before & {
  /** Permission bits of the old file. */
  mode?: number
  /** The old bytes, in base64. */
  content?: string
  /** The hash under which the old bytes are kept, where they are many. */
  blob?: string
  /** Why what was there cannot be brought back. */
  unkept?: string
  /** Of the old file. */
  uid?: number
  gid?: number
  /** When the old file was written, in milliseconds since 1970. */
  mtime?: number
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
}

export const fileWrite: Kind<FileWrite, FileBefore> = {
  name: 'file.write',
  version: 1,
  input: Input,
  idempotent: true,
  waits: true,
  example: { path: 'notes/today.md', content: '# Today\n' },
  effectOf: () => 'change',
  summary: ({ path, content }) => `write ${counted(Buffer.byteLength(content), 'byte')} to ${path}`,
  before: beforeFile,
  refuse: ({ path }, { workspace }) => refusePut(workspace, path),
  reversibility: (_, before) => reversibilityOfFile(before),
  irreversibleBecause: ({ unkept }) => unkept,
  postcondition: writtenFile,
  mayHoldAlready: ({ content, mode }, before) =>
    before.state !== 'absent' &&
    before.state === stateOfText(content) &&
    (mode === undefined || before.mode === Number.parseInt(mode, 8)),
  execute: writeFile,
  compensate: restoreFile,
  targetState: ({ path, content, mode }, context, before) =>
    stateOfFile(path, context, before, { state: stateOfText(content), mode: modeAfter(mode, before) }),
  diff({ path, content }, { workspace }) {
    const old = readRegularFile(workspace, segmentsOf(workspace, path))
    return unifiedDiff(path, old?.bytes.toString(), content)
  },
}

/** What is at the path of the file; shared with the kinds that write files of a certain form. */
export async function beforeFile({ path }: { path: string }, { workspace, world }: Context): Promise<FileBefore> {
  const segments = segmentsOf(workspace, path)
  if (segments.length === 0) throw new DeedError('not_a_regular_file', `${path} is the workspace; name a file`)
  refuseProtected(workspace, segments, world.protectedFiles)
  using folder = joinFolder(workspace, segments.slice(0, -1))
  if (!folder) {
    const missing = missingFolders(workspace, segments.slice(0, -1))
    refuseHidden(segments.slice(-1 - missing.length))
    return { state: 'absent', missing }
  }
  const name = lastOf(segments)
  // Most are new, and an open that fails costs much more than a check.
  const file = lstatSync(folder.at(name), { throwIfNoEntry: false }) && readFileIn(folder, name)
  if (!file) {
    refuseHidden([name])
    return { state: 'absent', missing: [] }
  }
  const { bytes, ...described } = file
  const unkept = canGiveTo(file)
    ? {}
    : { unkept: `${path} belongs to the user ${file.uid} and the group ${file.gid}, which only root can give back` }
  return { state: fileState(file), ...described, missing: [], ...(await keepFile(bytes, world)), ...unkept }
}

async function keepFile(bytes: Buffer, { blobs, config }: World): Promise<Partial<FileBefore>> {
  if (bytes.length <= INLINE_BYTES_MAX) return { content: bytes.toString('base64') }
  if (bytes.length <= treeLimits(config).bytes) return { blob: await blobs.keep(bytes) }
  return { unkept: `its old ${bytes.length} bytes are more than are kept for an undo` }
}

export const reversibilityOfFile = ({ unkept }: FileBefore): Reversibility =>
  unkept === undefined ? 'reversible' : 'irreversible'

export function writtenFile({ path, content, mode }: FileWrite, before: FileBefore): Observation {
  return { kind: 'file', path, exists: true, sha256: sha256(content), mode: octal(modeAfter(mode, before)) }
}

const modeAfter = (mode: string | undefined, before: FileBefore): number =>
  mode === undefined ? keptMode(before) : Number.parseInt(mode, 8)

const ownerOf = ({ uid, gid }: FileBefore): Owner | undefined =>
  uid === undefined || gid === undefined ? undefined : { uid, gid }

/** New bytes never run as the owner of the old ones. */
export const keptMode = ({ mode = MODE_DEFAULT }: FileBefore): number => mode & 0o777

export async function writeFile(
  { path, content, mode }: FileWrite,
  context: Context,
  before: FileBefore,
): Promise<Effect> {
  const bytes = Buffer.from(content)
  await putFile(path, bytes, mode === undefined ? undefined : Number.parseInt(mode, 8), context, before)
  const verb = before.state === 'absent' ? 'created' : 'replaced'
  return {
    claimed: `wrote ${counted(bytes.length, 'byte')} to ${path}`,
    result: { text: `${verb} ${path} (${counted(bytes.length, 'byte')})`, data: { path, bytes: bytes.length } },
  }
}

/** Puts a file in place, and says so to the context. @param mode absent: as the file has, or 0644 */
export async function putFile(
  path: string,
  bytes: Buffer,
  mode: number | undefined,
  context: Context,
  before: FileBefore,
): Promise<void> {
  const segments = segmentsOf(context.workspace, path)
  context.begin()
  using folder =
    before.missing.length === 0
      ? joinFolder(context.workspace, segments.slice(0, -1))
      : openOrMakeFolder(context.workspace, segments.slice(0, -1), () => undefined)
  if (!folder) {
    context.nothingDone()
    throw new DeedError('precondition_failed', `the folder of ${path} is gone`)
  }
  let visible = false
  try {
    await replaceFile(folder, lastOf(segments), {
      bytes,
      mode: mode ?? keptMode(before),
      owner: ownerOf(before),
      temporary: temporaryNameOf(context.actionId),
      beforeVisible() {
        crashPoint('executor.mid_effect')
        context.begin()
        visible = true
      },
    })
  } catch (error) {
    if (!visible && before.missing.length === 0) context.nothingDone()
    throw error
  }
}

/** Brings back the old bytes and mode, or the absence. */
export async function restoreFile({ path }: { path: string }, context: Context, before: FileBefore): Promise<string> {
  const segments = segmentsOf(context.workspace, path)
  context.begin()
  const old = oldContent(before, context)
  if (old) {
    using folder = openOrMakeFolder(context.workspace, segments.slice(0, -1), () => undefined)
    await replaceFile(folder, lastOf(segments), old)
    return `brought back the ${old.bytes.length} bytes that ${path} had`
  }
  await removeFile(context.workspace, [...segments.slice(0, -1), temporaryNameOf(context.actionId)])
  await removeFile(context.workspace, segments)
  await removeEmptyFolders(context.workspace, before.missing)
  return `removed ${path}`
}

/** @param left what the action leaves: the state in the words of `fileState`, and the mode of a file */
export async function stateOfFile(
  path: string,
  context: Context,
  before: FileBefore,
  left: { state: string; mode?: number },
): Promise<TargetState> {
  const file = readRegularFile(context.workspace, segmentsOf(context.workspace, path), { manyNames: true })
  const state = fileState(file)
  const hasMode = (mode: number | undefined) => !file || mode === undefined || file.mode === mode
  const hasOwner = !file || before.uid === undefined || (file.uid === before.uid && file.gid === before.gid)
  const observed = file
    ? `${path} has ${counted(file.bytes.length, 'byte')} with SHA-256 ${state.slice('sha256:'.length)} and mode ${octal(file.mode)}, of ${file.uid}:${file.gid}`
    : `${path} does not exist`
  const facts = { state }
  if (state === before.state && hasMode(before.mode) && hasOwner) return { at: 'before', observed, facts }
  if (state === left.state && hasMode(left.mode)) return { at: 'after', observed, facts }
  return { at: 'elsewhere', observed, facts, kept: await keptOf(path, context, before) }
}

/** The bytes of before, in a file that a person can look at. */
export async function keptOf(path: string, context: Context, before: FileBefore): Promise<Snapshot[]> {
  const old = before.unkept === undefined ? oldContent(before, context) : undefined
  return old ? [{ path, sha256: await context.world.blobs.keep(old.bytes) }] : []
}

const stateOfText = (content: string) => `sha256:${sha256(content)}`

/** What puts the old file back. @returns `undefined` where there was no file */
export function oldContent(before: FileBefore, { world, actionId }: Context): Replacement | undefined {
  if (before.state === 'absent') return undefined
  if (before.unkept !== undefined) throw new DeedError('not_undoable', before.unkept)
  const bytes = before.blob === undefined ? Buffer.from(before.content ?? '', 'base64') : world.blobs.get(before.blob)
  const { mode = MODE_DEFAULT, mtime } = before
  return { bytes, mode, mtime, owner: ownerOf(before), temporary: temporaryNameOf(actionId) }
}
