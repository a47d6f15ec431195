/** What undoing actions would meet, for the person who decides on it. */
import type { Handler } from '@deed/mesh/bus'
import type { inspectUndo as contract, UndoInspection } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import { redactValue } from '@deed/telemetry/redact'
import { otherMeaning } from '../attempt/resolved.ts'
import type { World } from '../kind/kind.ts'
import { inputOf, kindOf } from '../kinds/kinds.ts'
import type { Ledger, WholeRow } from '../store/ledger.ts'
import { observingContext } from './inspect-action.ts'

interface Dependencies {
  world: World
  ledger: Ledger
}

export function inspectUndo({ world, ledger }: Dependencies): Handler<typeof contract> {
  return async ({ action_ids: ids }, { principal, deadline }) => {
    const signal = AbortSignal.timeout(Math.max(1, Math.round(deadline - performance.now())))
    const actions: UndoInspection[] = []
    for (const row of await ledger.findWhole(principal.tenant, ids)) {
      const { at, observed, means_otherwise } = await targetStateOf(row, world, signal)
      const { action_id, execution_id, task_id, action, reversibility, undo_outcome } = row
      const undone = undo_outcome === 'done' && row.intent === 'undo'
      actions.push(
        redactValue({
          ...{ action_id, execution_id, task_id, kind: action.kind, reversibility, undone, at, observed },
          ...(means_otherwise === undefined ? {} : { means_otherwise }),
        }),
      )
    }
    return { actions }
  }
}

async function targetStateOf(
  row: WholeRow,
  world: World,
  signal: AbortSignal,
): Promise<Pick<UndoInspection, 'at' | 'observed' | 'means_otherwise'>> {
  const { action, before, after, effect } = row
  if (effect === 'none') return { at: 'before', observed: 'the action had changed nothing' }
  try {
    const kind = await kindOf(action, world, true)
    const context = { ...observingContext(action, world, { signal }), actionId: row.action_id }
    const input = inputOf(kind, action)
    const otherwise = await otherMeaning(kind, input, context, true)
    if (otherwise !== undefined) return { at: 'unknown', observed: otherwise, means_otherwise: otherwise }
    return await kind.targetState(input, context, before, after ?? undefined)
  } catch (error) {
    if (error instanceof DeedError) return { at: 'unknown', observed: error.message }
    throw error
  }
}
