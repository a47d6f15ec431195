/** Which folder an action works in, and which paths it may name there: decided by segments, never by prefixes of text. */

import type { ExecutionConfig } from '@deed/config/execution-config'
import { nearest } from '@deed/config/nearest'
import { isProtectedName } from '@deed/config/protected-names'
import { DeedError } from '@deed/proto/errors'
import { exposedName } from '@deed/text/exposed-text'

export interface Workspace {
  /** Absolute; what the operator configured, so links on the way to it are followed. */
  readonly root: string
  /** Where relative paths start, below the root. */
  readonly base: readonly string[]
  /** Patterns of what others write there: no precondition of a command, and nothing that its undo brings back. */
  readonly ignore?: readonly string[] | undefined
}

/**
 * @param named a name in `execution.yaml`, or an absolute path below one of the roots; absent: the default workspace
 * @throws {DeedError} `unknown_workspace`, `path_outside_workspace`
 */
export function resolveWorkspace(
  { workspaces, default_workspace }: Pick<ExecutionConfig, 'workspaces' | 'default_workspace'>,
  named = default_workspace,
): Workspace {
  if (named === undefined)
    throw new DeedError('unknown_workspace', 'name a workspace; execution.yaml has no default_workspace')
  const byName = Object.hasOwn(workspaces, named) ? workspaces[named] : undefined
  if (byName) return { ...byName, base: [] }
  if (!named.startsWith('/')) {
    const meant = nearest(named, Object.keys(workspaces))
    throw new DeedError(
      'unknown_workspace',
      `execution.yaml has no workspace ${JSON.stringify(named)}${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
  const segments = safeSegments(named)
  // The innermost root, where one lies in another.
  const roots = Object.values(workspaces).sort((a, b) => b.root.length - a.root.length)
  for (const { root, ignore } of roots) {
    const below = segmentsBelow(root, segments)
    if (below) return { root, ignore, base: below }
  }
  throw outside(named)
}

/**
 * The segments of a path below the workspace's root.
 *
 * @param path relative to the workspace, or absolute and below its root
 * @throws {DeedError} `path_outside_workspace`
 */
export function segmentsOf({ root, base }: Workspace, path: string): string[] {
  const segments = safeSegments(path)
  if (!path.startsWith('/')) return [...base, ...segments]
  const below = segmentsBelow(root, segments)
  if (!below) throw outside(path)
  return below
}

/**
 * Refuses what would change how tools behave that people run in the workspace, or Deed itself; also where it
 * does not exist yet.
 *
 * @throws {DeedError} `protected_path`
 */
export function refuseProtected(
  { root }: Workspace,
  segments: readonly string[],
  protectedFiles: readonly string[],
): void {
  const name = segments.find((segment) => isProtectedName(segment))
  const path = segments.join('/')
  if (name !== undefined)
    throw new DeedError('protected_path', `${path} is protected: nothing is written to ${name} or below it`)
  if (protectedFiles.includes(`${root}/${path}`))
    throw new DeedError('protected_path', `${path} is protected: it configures Deed`)
}

/**
 * Refuses to make what a reader could take for something else: names with line breaks, controls, marks of direction or
 * signs that are not seen. What has such a name already may be read, changed and removed.
 *
 * @param segments of what is to be made
 * @throws {DeedError} `invalid_request`
 */
export function refuseHidden(segments: readonly string[]): void {
  const name = segments.find((segment) => exposedName(segment) !== segment)
  if (name !== undefined)
    throw new DeedError(
      'invalid_request',
      `the name "${exposedName(name)}" has characters that are not seen; name it without them`,
    )
}

/** Ways to write a separator or a drive that a later reader of the path might honour. */
const DISGUISED = /[\\\0]|%2e|%2f|%5c|^[a-z]:|^[a-z][a-z0-9+.-]*:\/\//i
const SEGMENT_BYTES_MAX = 255
/** A UTF-16 unit takes at most three bytes. */
const SEGMENT_CHARS_SAFE = SEGMENT_BYTES_MAX / 3

function safeSegments(path: string): string[] {
  if (DISGUISED.test(path)) throw outside(path)
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw outside(path)
  if (path.length > SEGMENT_CHARS_SAFE && segments.some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES_MAX))
    throw new DeedError('invalid_request', `a name in the path is longer than ${SEGMENT_BYTES_MAX} bytes`)
  return segments
}

function segmentsBelow(root: string, segments: readonly string[]): string[] | undefined {
  const above = root.split('/').filter((segment) => segment !== '')
  return above.every((segment, i) => segments[i] === segment) ? segments.slice(above.length) : undefined
}

const outside = (path: string) =>
  new DeedError('path_outside_workspace', `${JSON.stringify(path)} is not below the workspace; name a file inside it`)
