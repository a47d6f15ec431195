/** Which paths of a workspace other actions have written, or may have: what is found changed there is not one's own. */
import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import type { World } from '../kind/kind.ts'
import type { Concurrent, Ledger } from '../store/ledger.ts'
import { resolveWorkspace, segmentsOf } from '../workspace/workspace.ts'

/** An action in the ledger. */
export interface ActionRef {
  readonly tenant: string
  readonly actionId: ActionId
  readonly action: Action
}

/** @returns paths below the root of the action's workspace, with the folders above them */
export async function writtenByOthers(
  { tenant, actionId, action }: ActionRef,
  world: World,
  ledger: Pick<Ledger, 'findConcurrent'>,
): Promise<ReadonlySet<string>> {
  const root = segmentsIn(resolveWorkspace(world.config, action.workspace).root)
  const paths = new Set<string>()
  for (const other of await ledger.findConcurrent(tenant, actionId)) {
    for (const segments of placesOf(other, world)) {
      if (!startsWith(segments, root)) continue
      const below = segments.slice(root.length)
      for (let depth = below.length; depth > 0; depth--) paths.add(below.slice(0, depth).join('/'))
    }
  }
  return paths
}

/** Whether what one writes may lie in the workspace of the other: it is the same, or one lies in the other. */
export function sharesFiles(one: Action, other: Action, world: World): boolean {
  const [root, theirs] = [rootOf(one, world), rootOf(other, world)]
  if (root === undefined || theirs === undefined) return false
  return startsWith(segmentsIn(root), segmentsIn(theirs)) || startsWith(segmentsIn(theirs), segmentsIn(root))
}

/** The places that an action names or has changed, each as the segments of its absolute path. */
function placesOf({ action, kindred, after }: Concurrent, world: World): string[][] {
  const root = rootOf(action, world)
  if (root === undefined) return []
  const workspace = resolveWorkspace(world.config, action.workspace)
  const { input, verify } = action
  // A command names no path but in what it promises. What those of one execution share is taken back with either.
  const promised = kindred ? [] : pathsPromised(verify)
  const named = [input.path, input.from, input.to, ...promised].flatMap((path) => {
    const segments = typeof path === 'string' ? unlessRefused(() => segmentsOf(workspace, path)) : undefined
    return segments ? [segments] : []
  })
  const changed = kindred ? [] : pathsChanged(after, world).map((path) => path.split('/'))
  return [...named, ...changed].map((segments) => [...segmentsIn(root), ...segments])
}

/** `undefined` where it names what is no place any more, so that it has written nothing there. */
const rootOf = ({ workspace }: Action, { config }: World): string | undefined =>
  unlessRefused(() => resolveWorkspace(config, workspace).root)

const segmentsIn = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

const startsWith = (segments: readonly string[], first: readonly string[]): boolean =>
  first.every((segment, index) => segments[index] === segment)

/** What a command has changed, where its changes were kept on this host. */
const pathsChanged = (after: Concurrent['after'], { blobs }: World): string[] =>
  typeof after?.changes === 'string'
    ? Object.keys(JSON.parse(unlessRefused(() => blobs.get(String(after.changes)))?.toString() ?? '{}'))
    : []

export function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof DeedError) return undefined
    throw error
  }
}

function pathsPromised(verify: Action['verify']): string[] {
  if (verify?.kind === 'all') return verify.of.flatMap(pathsPromised)
  return verify?.kind === 'file' || verify?.kind === 'dir' ? [verify.path] : []
}
