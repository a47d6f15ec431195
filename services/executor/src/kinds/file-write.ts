/** file.write: a file with exactly this content. Undone by bringing back the old bytes and mode, or none. */

import { sha256 } from '@deed/mesh/canonical-json'
import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { Observation } from '@deed/proto/observation'
import { z } from 'zod'
import { missingFolders, openFolder, openOrMakeFolder } from '../files/folder.ts'
import { octal } from '../files/observe-files.ts'
import {
  type FileContent,
  lastOf,
  readFileIn,
  readRegularFile,
  removeEmptyFolders,
  removeFile,
  replaceFile,
} from '../files/regular-file.ts'
import { unifiedDiff } from '../files/unified-diff.ts'
import { refuseProtected, segmentsOf } from '../files/workspace.ts'
import type { Before, Context, Effect, Kind, Standing } from './kind.ts'

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
  /** Folders that were missing, as paths below the root, outermost first. */
  missing: string[]
}

export const fileWrite: Kind<FileWrite, FileBefore> = {
  name: 'file.write',
  version: 1,
  input: Input,
  idempotent: true,
  example: { path: 'notes/today.md', content: '# Today\n' },
  effectOf: () => 'change',
  summary: ({ path, content }) => `write ${Buffer.byteLength(content)} bytes to ${path}`,
  before: beforeFile,
  reversibility: () => 'reversible',
  postcondition: writtenFile,
  mayHoldAlready: ({ content, mode }, before) =>
    before.state === stateOfText(content) && (mode === undefined || before.mode === Number.parseInt(mode, 8)),
  execute: writeFile,
  compensate: restoreFile,
  standing: async ({ path, content }, context, before) => standingOfFile(path, context, before, stateOfText(content)),
  diff({ path, content }, { workspace }) {
    const old = readRegularFile(workspace, segmentsOf(workspace, path))
    return unifiedDiff(path, old?.bytes.toString(), content)
  },
}

/** What stands where the file is to be; shared with the kinds that write files of a certain form. */
export async function beforeFile({ path }: { path: string }, { workspace, world }: Context): Promise<FileBefore> {
  const segments = segmentsOf(workspace, path)
  if (segments.length === 0) throw new DeedError('not_a_regular_file', `${path} is the workspace; name a file`)
  refuseProtected(workspace, segments, world.protectedFiles)
  using folder = openFolder(workspace, segments.slice(0, -1))
  if (!folder) return { state: 'absent', missing: missingFolders(workspace, segments.slice(0, -1)) }
  const file = readFileIn(folder, lastOf(segments))
  if (!file) return { state: 'absent', missing: [] }
  const kept =
    file.bytes.length <= INLINE_BYTES_MAX
      ? { content: file.bytes.toString('base64') }
      : { blob: await world.blobs.keep(file.bytes) }
  return { state: stateOf(file), mode: file.mode, missing: [], ...kept }
}

export function writtenFile({ path, content, mode }: FileWrite, before: FileBefore): Observation {
  return { kind: 'file', path, exists: true, sha256: sha256(content), mode: mode ?? octal(before.mode ?? MODE_DEFAULT) }
}

export async function writeFile(
  { path, content, mode }: FileWrite,
  context: Context,
  before: FileBefore,
): Promise<Effect> {
  const bytes = Buffer.from(content)
  await putFile(path, bytes, mode === undefined ? undefined : Number.parseInt(mode, 8), context, before)
  const verb = before.state === 'absent' ? 'created' : 'replaced'
  return {
    claimed: `wrote ${bytes.length} bytes to ${path}`,
    result: { text: `${verb} ${path} (${bytes.length} bytes)`, data: { path, bytes: bytes.length } },
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
      ? openFolder(context.workspace, segments.slice(0, -1))
      : openOrMakeFolder(context.workspace, segments.slice(0, -1), () => undefined)
  if (!folder) {
    context.nothingDone()
    throw new DeedError('precondition_failed', `the folder of ${path} is gone`)
  }
  let visible = false
  try {
    await replaceFile(folder, lastOf(segments), {
      bytes,
      mode: mode ?? before.mode ?? MODE_DEFAULT,
      temporary: temporaryName(context),
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
    await replaceFile(folder, lastOf(segments), { ...old, temporary: temporaryName(context) })
    return `brought back the ${old.bytes.length} bytes that ${path} had`
  }
  await removeFile(context.workspace, [...segments.slice(0, -1), temporaryName(context)])
  await removeFile(context.workspace, segments)
  await removeEmptyFolders(context.workspace, before.missing)
  return `removed ${path}`
}

/** @param wanted the state that the action leaves, in the words of `stateOf` */
export function standingOfFile(
  path: string,
  { workspace }: Context,
  before: FileBefore,
  wanted: string | undefined,
): Standing {
  const file = readRegularFile(workspace, segmentsOf(workspace, path))
  const state = stateOf(file)
  const sameMode = before.mode === undefined || file?.mode === before.mode
  return {
    at: state === before.state && sameMode ? 'before' : state === wanted ? 'after' : 'elsewhere',
    observed: file ? `${path} has ${file.bytes.length} bytes with SHA-256 ${state.slice(7)}` : `${path} does not exist`,
    facts: { state },
  }
}

const temporaryName = ({ actionId }: Context) => `.deed-${actionId}.tmp`
/** In the words of `Action.expect_before`. */
export const stateOf = (file: Pick<FileContent, 'bytes'> | undefined): string =>
  file ? `sha256:${sha256(file.bytes)}` : 'absent'
const stateOfText = (content: string) => `sha256:${sha256(content)}`

/** @returns `undefined` where there was no file */
export function oldContent(before: FileBefore, { world }: Context): FileContent | undefined {
  if (before.state === 'absent') return undefined
  const bytes = before.blob === undefined ? Buffer.from(before.content ?? '', 'base64') : world.blobs.get(before.blob)
  return { bytes, mode: before.mode ?? MODE_DEFAULT }
}
