/** What a kind is given of the attempt it works for. What is rarely needed is made when it is asked for. */

import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Attempt } from './attempt.ts'
import { resolveWorkspace, segmentsOf, type Workspace } from './files/workspace.ts'
import type { Context, World } from './kinds/kind.ts'
import { endTree } from './processes/end-tree.ts'
import { actionMark } from './processes/run-command.ts'
import type { Beside, Ledger } from './store/ledger.ts'

export function contextOf(
  attempt: Attempt,
  world: World,
  ledger: Pick<Ledger, 'findBeside' | 'findForsaken'>,
): Context {
  const { action, tenant } = attempt.work
  let workspace: Workspace | undefined
  let signal: AbortSignal | undefined
  return {
    world,
    actionId: attempt.actionId,
    action,
    get workspace() {
      workspace ??= resolveWorkspace(world.config, action.workspace)
      return workspace
    },
    get signal() {
      signal ??= AbortSignal.any([attempt.signal, timeUp(attempt)])
      return signal
    },
    begin: attempt.begin,
    nothingDone: attempt.nothingDone,
    checkRight: attempt.checkRight,
    async endForsaken() {
      const { root } = resolveWorkspace(world.config, action.workspace)
      const forsaken = await ledger.findForsaken(tenant, attempt.actionId)
      const here = forsaken.filter((other) => rootOf(other.action, world) === root)
      if (here.length > 0)
        await endTree(
          here.map(({ action_id }) => actionMark(action_id)),
          0,
        )
    },
    async writtenByOthers() {
      const { root } = resolveWorkspace(world.config, action.workspace)
      const paths = new Set<string>()
      for (const other of await ledger.findBeside(tenant, attempt.actionId)) {
        for (const path of pathsOf(other, root, world)) paths.add(path)
      }
      return paths
    },
  }
}

/** The paths that an action names or has changed, and the folders above them, where they are below the root. */
function pathsOf({ action, kindred, after }: Beside, root: string, world: World): string[] {
  if (rootOf(action, world) !== root) return []
  const workspace = resolveWorkspace(world.config, action.workspace)
  const { input, verify } = action
  // A command names no path but in what it promises. What those of one execution share is taken back with either.
  const promised = kindred ? [] : pathsPromised(verify)
  const named = [input.path, input.from, input.to, ...promised].flatMap((path) => {
    if (typeof path !== 'string') return []
    const segments = unlessRefused(() => segmentsOf(workspace, path)) ?? []
    return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
  })
  return kindred ? named : [...named, ...pathsChanged(after, world)]
}

/** `undefined` where it names what is no place any more, so that it has written nothing there. */
const rootOf = ({ workspace }: Action, { config }: World): string | undefined =>
  unlessRefused(() => resolveWorkspace(config, workspace).root)

/** What a command has changed, where its changes were kept on this host. */
const pathsChanged = (after: Beside['after'], { blobs }: World): string[] =>
  typeof after?.changes === 'string'
    ? Object.keys(JSON.parse(unlessRefused(() => blobs.get(String(after.changes)))?.toString() ?? '{}'))
    : []

function unlessRefused<T>(work: () => T): T | undefined {
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

function timeUp({ work: { action }, startedAt }: Attempt): AbortSignal {
  const controller = new AbortController()
  const remainingMs = startedAt + action.timeout_ms - performance.now()
  const timer = setTimeout(() => {
    const text = `it took longer than ${action.timeout_ms} ms and was ended`
    controller.abort(new DeedError('limit_exceeded', text, { details: { limit: 'time' } }))
  }, remainingMs)
  timer.unref()
  return controller.signal
}
