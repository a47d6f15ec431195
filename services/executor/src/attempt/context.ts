/** What a kind is given of the attempt it works for. What is rarely needed is made when it is asked for. */
import { DeedError } from '@deed/proto/errors'
import type { Context, World } from '../kind/kind.ts'
import type { Ledger } from '../store/ledger.ts'
import { resolveWorkspace, type Workspace } from '../workspace/workspace.ts'
import type { Attempt } from './attempt.ts'
import { resolveAbandoned } from './resolve-abandoned.ts'
import { writtenByOthers } from './written-by-others.ts'

export function contextOf(
  attempt: Attempt,
  world: World,
  ledger: Pick<Ledger, 'findConcurrent' | 'findDone' | 'findForsaken' | 'keepAfter'>,
): Context {
  const { action, tenant } = attempt.work
  const known = { tenant, actionId: attempt.actionId, action }
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
    left: attempt.left,
    checkRight: attempt.checkRight,
    resolveAbandoned: () => resolveAbandoned(known, world, ledger),
    writtenByOthers: () => writtenByOthers(known, world, ledger),
    doneBefore: () => ledger.findDone(tenant, action),
  }
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
