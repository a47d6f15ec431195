/**
 * A folder with all that is in it, as the target of an action: read before, compared afterwards, removed, brought back.
 */
import { fstatSync, lstatSync, rmdirSync, unlinkSync } from 'node:fs'
import { canonicalJson } from '@deed/json/canonical-json'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { Context } from '../kind/kind.ts'
import { noBlobs } from '../workspace/blobs.ts'
import { flush } from '../workspace/flush-folder.ts'
import { refuseProtected, segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { shownName } from './file-name.ts'
import { codeOf, openFolder } from './folder.ts'
import { lastOf } from './regular-file.ts'
import { alike, type Entries, readTree, treeLimits } from './tree.ts'

export interface NamedFolder {
  /** `tree:<hash>` of all that is in it, and its own mode. */
  readonly state: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly entries: Entries
}

/** Whether a folder is there: not a link to one. */
export function isFolder(workspace: Workspace, path: string): boolean {
  const segments = segmentsOf(workspace, path)
  if (segments.length === 0) return true
  using parent = openFolder(workspace, segments.slice(0, -1))
  return (
    parent !== undefined && lstatSync(parent.at(lastOf(segments)), { throwIfNoEntry: false })?.isDirectory() === true
  )
}

/** @throws {DeedError} `protected_path`, `not_found` */
export async function readNamedFolder(path: string, { workspace, world }: Context): Promise<NamedFolder> {
  const below = segmentsOf(workspace, path)
  using folder = openFolder(workspace, below)
  if (!folder) throw new DeedError('not_found', `${path} does not exist`)
  const { mode, uid, gid } = fstatSync(folder.fd)
  const { entries, hash } = await readTree(workspace, noBlobs, { below })
  for (const inner of Object.keys(entries)) {
    refuseProtected(workspace, [...below, ...inner.split('/')], world.protectedFiles)
  }
  return { state: `tree:${hash}`, mode: mode & 0o7777, uid, gid, entries }
}

/** Keeps the bytes of all that is in it. @returns why it could not be kept whole; `undefined`: it is */
export async function keepNamedFolder(path: string, { workspace, world }: Context): Promise<string | undefined> {
  const limits = treeLimits(world.config)
  try {
    const { entries } = await readTree(workspace, world.blobs, { limits, below: segmentsOf(workspace, path) })
    const other = Object.entries(entries).find(([, { type }]) => type === 'other')
    return other && `${shownName(other[0])} is a FIFO, a socket or a device`
  } catch (error) {
    if (error instanceof DeedError && error.code === 'limit_exceeded') return error.message
    throw error
  }
}

export const keepEntries = ({ world }: Context, entries: Entries): Promise<string> =>
  world.blobs.keep(Buffer.from(canonicalJson(entries)))

export const keptEntries = ({ world }: Context, hash: string): Entries =>
  JSON.parse(world.blobs.get(hash).toString()) as Entries

/** Whether nothing is there that was not there before: what an attempt that died half way leaves. */
export const isPartOf = (now: Entries, before: Entries): boolean =>
  Object.entries(now).every(([path, entry]) => alike(entry, before[path] ?? null))

/**
 * Removes a folder that has these entries and no others; one that is not there is left so. On disk when it resolves.
 *
 * @throws {DeedError} `precondition_failed` when somebody puts something into it meanwhile, which stays
 */
export async function removeNamedFolder(workspace: Workspace, path: string, entries: Entries): Promise<void> {
  const top = segmentsOf(workspace, path)
  const inner = Object.keys(entries).sort().toReversed()
  for (const segments of [...inner.map((one) => [...top, ...one.split('/')]), top]) {
    using parent = openFolder(workspace, segments.slice(0, -1))
    if (!parent) continue
    const at = parent.at(lastOf(segments))
    const stat = lstatSync(at, { throwIfNoEntry: false })
    try {
      if (stat?.isDirectory()) rmdirSync(at)
      else if (stat) unlinkSync(at)
    } catch (error) {
      if (codeOf(error) !== 'ENOTEMPTY') throw error
      throw new DeedError('precondition_failed', `somebody has put something into ${path} just now, which stays`)
    }
    crashPoint('executor.mid_effect')
    if (segments === top) await flush(parent.fd)
  }
}
