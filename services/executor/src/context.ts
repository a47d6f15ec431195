/** What a kind is given of the attempt it works for. What is rarely needed is made when it is asked for. */

import type { Action } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { Attempt } from './attempt.ts'
import { resolveWorkspace, segmentsOf, type Workspace } from './files/workspace.ts'
import type { Context, World } from './kinds/kind.ts'
import type { Beside, Ledger } from './store/ledger.ts'

export function contextOf(attempt: Attempt, world: World, ledger: Pick<Ledger, 'findBeside'>): Context {
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

/** The paths that an action names, and the folders above them, where they are below the root. */
function pathsOf({ action, kindred }: Beside, root: string, { config }: World): string[] {
  const { input, verify, workspace: named } = action
  // A command names no path but in what it promises. What those of one execution share is taken back with either.
  const promised = kindred ? [] : pathsPromised(verify)
  return [input.path, input.from, input.to, ...promised].flatMap((path) => {
    if (typeof path !== 'string') return []
    try {
      const workspace = resolveWorkspace(config, named)
      if (workspace.root !== root) return []
      const segments = segmentsOf(workspace, path)
      return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
    } catch (error) {
      // It names what is no place any more, so it has written nothing there.
      if (error instanceof DeedError) return []
      throw error
    }
  })
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
