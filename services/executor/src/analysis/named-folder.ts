/** The folder that a request names, in a workspace of `execution.yaml`: nothing else is read. */
import { DeedError } from '@deed/proto/errors'
import { openFolder } from '../files/folder.ts'
import { refuseHiddenFrom } from '../files/text-pieces.ts'
import type { World } from '../kind/kind.ts'
import { resolveWorkspace, segmentsOf, type Workspace } from '../workspace/workspace.ts'

/**
 * @param name of a workspace, or an absolute path below one; absent: the default workspace
 * @returns a workspace whose base is the folder
 * @throws {DeedError} `unknown_workspace`, `path_outside_workspace`, `protected_path`, `not_found`
 */
export function namedFolder(
  { config, dataFolder }: Pick<World, 'config' | 'dataFolder'>,
  name: string | undefined,
  path: string,
): Workspace {
  const { root, base, ignore } = resolveWorkspace(config, name)
  const folder = segmentsOf({ root, base }, path)
  refuseHiddenFrom({ root, base }, folder, { dataFolder })
  using opened = openFolder({ root, base }, folder)
  if (!opened) throw new DeedError('not_found', `${folder.join('/') || 'the folder of the workspace'} does not exist`)
  return { root, base: folder, ignore }
}
