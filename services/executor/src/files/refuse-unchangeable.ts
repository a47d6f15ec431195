/**
 * Finds, without changing anything, what the kernel would refuse of a change to files: missing rights, file systems that are
 * mounted read-only, immutable files, mount points, and moves from one file system to another.
 */
import { accessSync, constants, fstatSync, lstatSync, realpathSync } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import { type Mount, mountAt, readMounts } from '../sandbox/mount-table.ts'
import { segmentsOf, type Workspace } from '../workspace/workspace.ts'
import { codeOf, type Folder, openFolder } from './folder.ts'
import { lastOf } from './regular-file.ts'

/**
 * Of a file or a folder that is to be at the path, in the place of what is there.
 *
 * @throws {DeedError} `effect_failed`
 */
export function refusePut(workspace: Workspace, path: string): void {
  const segments = segmentsOf(workspace, path)
  using folder = nearestFolder(workspace, segments.slice(0, -1))
  if (!folder) return
  refuseFolder(folder, path)
  if (folder.depth === segments.length - 1) refuseEntry(workspace, folder, segments, path)
}

/** Of what is to be at the path no more. @throws {DeedError} `effect_failed` */
export function refuseRemoval(workspace: Workspace, path: string): void {
  const segments = segmentsOf(workspace, path)
  using folder = openFolder(workspace, segments.slice(0, -1))
  if (!folder) return
  refuseFolder(folder, path)
  refuseEntry(workspace, folder, segments, path)
}

/** Of a folder that is to go: of each thing in it, as its path below the folder. @throws {DeedError} `effect_failed` */
export function refuseRemovalOf(workspace: Workspace, path: string, entries: Iterable<string>): void {
  refuseRemoval(workspace, path)
  const top = segmentsOf(workspace, path)
  const checked = new Set<string>()
  for (const entry of entries) {
    const segments = [...top, ...entry.split('/')]
    using folder = openFolder(workspace, segments.slice(0, -1))
    if (!folder) continue
    const parent = segments.slice(0, -1).join('/')
    if (!checked.has(parent)) refuseFolder(folder, `${path}/${entry}`)
    checked.add(parent)
    refuseImmutable(folder, lastOf(segments), `${path}/${entry}`)
  }
}

/** rename(2) and link(2) do not leave a mount. @throws {DeedError} `effect_failed` */
export function refuseOtherMount(workspace: Workspace, from: string, to: string): void {
  const mounts = mountsHere()
  const [source, target] = [segmentsOf(workspace, from), segmentsOf(workspace, to)]
  using folder = nearestFolder(workspace, target.slice(0, -1))
  if (!folder) return
  const here = mountAt(mounts, placeOf(workspace, source.slice(0, -1)))
  const there = mountAt(mounts, placeOf(workspace, target.slice(0, folder.depth)))
  if (here?.point === there?.point) return
  throw new DeedError(
    'effect_failed',
    `${to} is on another file system (${there?.point}) than ${from} (${here?.point}): write it there, then delete it here`,
    { details: { code: 'EXDEV' } },
  )
}

function refuseFolder(folder: Folder, path: string): void {
  try {
    accessSync(folder.path, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw refused(path, 'its folder', error)
  }
}

function refuseEntry(workspace: Workspace, folder: Folder, segments: readonly string[], path: string): void {
  const name = lastOf(segments)
  const stat = lstatSync(folder.at(name), { throwIfNoEntry: false })
  if (!stat) return
  refuseImmutable(folder, name, path)
  const owner = process.geteuid?.() ?? 0
  const parent = fstatSync(folder.fd)
  if (parent.mode & STICKY && owner !== 0 && stat.uid !== owner && parent.uid !== owner)
    throw new DeedError(
      'effect_failed',
      `${path} belongs to the user ${stat.uid}, and in its folder only owners may change it`,
    )
  const place = placeOf(workspace, segments)
  const mount = mountsHere().find(({ point }) => point === place || point.startsWith(`${place}/`))
  if (mount)
    throw new DeedError(
      'effect_failed',
      `${path} cannot be replaced or removed: ${mount.point} is a mount point; unmount it first`,
      {
        details: { code: 'EBUSY' },
      },
    )
}

const STICKY = 0o1000

/** Another user's file may be replaced by who may write to its folder; one that is immutable, by nobody. */
function refuseImmutable(folder: Folder, name: string, path: string): void {
  const at = folder.at(name)
  if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== false) return
  try {
    accessSync(at, constants.W_OK)
  } catch (error) {
    if (codeOf(error) === 'EPERM' || codeOf(error) === 'EROFS') throw refused(path, 'it', error)
  }
}

function refused(path: string, what: string, error: unknown): DeedError {
  const code = codeOf(error) ?? 'EACCES'
  const why = WORDS[code]?.(what) ?? `${what} cannot be changed (${code})`
  return new DeedError('effect_failed', `${path} cannot be changed: ${why}`, { details: { code } })
}

const WORDS: Record<string, (what: string) => string> = {
  EROFS: (what) => `${what} is on a file system that is mounted read-only`,
  EPERM: (what) => `${what} is immutable; see lsattr, and chattr -i`,
  EACCES: (what) => `the user ${process.geteuid?.() ?? 'of the executor'} may not write to ${what}`,
}

/** The innermost folder on the way that is there. */
function nearestFolder(workspace: Workspace, segments: readonly string[]): (Folder & { depth: number }) | undefined {
  for (let depth = segments.length; depth >= 0; depth--) {
    const folder = openFolder(workspace, segments.slice(0, depth))
    if (folder) return Object.assign(folder, { depth })
  }
  return undefined
}

const placeOf = ({ root }: Workspace, segments: readonly string[]): string =>
  [realpathSync(root).replace(/\/$/, ''), ...segments].join('/') || '/'

const mountsHere = (): Mount[] => (process.platform === 'linux' ? readMounts() : [])
