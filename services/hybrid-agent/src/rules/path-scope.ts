/**
 * Refuses paths that leave every workspace by their text alone. The executor checks the real files and has the final
 * say.
 */
import { isAbsolute, posix, relative, sep } from 'node:path'
import { DeedError } from '@deed/proto/errors'
import type { World } from './vocabulary.ts'

/** @throws {DeedError} path_outside_workspace */
export function refusePathOutside(path: string, { workspaces }: Pick<World, 'workspaces'>): void {
  const outside = isAbsolute(path)
    ? !Object.values(workspaces).some(({ root }) => !leaves(relative(root, path)))
    : path.startsWith('~') || /^[A-Za-z]:[\\/]/.test(path) || leaves(posix.normalize(path.replaceAll('\\', '/')))
  if (!outside) return
  throw new DeedError(
    'path_outside_workspace',
    `${JSON.stringify(path)} lies outside every workspace; name a path inside one of ${Object.keys(workspaces).join(', ') || 'them'}`,
    { path: '$.task' },
  )
}

function leaves(path: string): boolean {
  return path === '..' || path.startsWith('../') || path.startsWith(`..${sep}`) || isAbsolute(path)
}
