/**
 * What an attempt has left that ended without saying so: looked at once, as soon as somebody finds it, and kept. Whatever
 * is changed after that observation is not taken for its effect, by nobody.
 */
import { DeedError } from '@deed/proto/errors'
import type { FencingToken } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { After, Before, Kind, World } from '../kind/kind.ts'
import { inputOf, kindOf } from '../kinds/kinds.ts'
import { endTree } from '../processes/end-tree.ts'
import { endedBy, forgetSigns } from '../processes/signs-of-life.ts'
import { actionMark } from '../sandbox/run-command.ts'
import type { Ledger, LedgerRow } from '../store/ledger.ts'
import { resolveWorkspace } from '../workspace/workspace.ts'
import type { Attempt } from './attempt.ts'
import { type ActionRef, sharesFiles, writtenByOthers } from './written-by-others.ts'

/** An attempt as the ledger has it. */
export interface Begun extends ActionRef {
  /** The newest of the action. */
  readonly token: FencingToken
  readonly before: Before
  readonly after: After | null
}

/** What the newest attempt took over from those before it. */
export const begunBy = ({ work: { tenant, action, token }, actionId }: Attempt, row: LedgerRow): Begun => ({
  ...{ tenant, actionId, action, token },
  ...{ before: row.before, after: row.after },
})

/**
 * Ends the processes of the attempt, and says what it has left.
 *
 * @returns `undefined` where that cannot be known, or the kind goes without
 * @throws {DeedError} `effect_failed` when a process cannot be ended
 */
export async function resolveAttempt(
  kind: Kind,
  input: JsonObject,
  begun: Begun,
  world: World,
  ledger: Pick<Ledger, 'findConcurrent' | 'keepAfter'>,
): Promise<After | undefined> {
  const { tenant, actionId, action, token, before, after } = begun
  const ended = await endTree([actionMark(actionId)], 0)
  if (after || !kind.leftBehind) return after ?? undefined
  const around = {
    world,
    workspace: resolveWorkspace(world.config, action.workspace),
    writtenByOthers: () => writtenByOthers(begun, world, ledger),
  }
  const until = ended > 0 ? Date.now() : endedBy(world.dataFolder, actionId)
  const left = await kind.leftBehind(input, around, before, until).catch((error: unknown) => {
    // What it met is kept elsewhere, or has grown too large: an undo says so, and another attempt may find all done.
    if (error instanceof DeedError) return undefined
    throw error
  })
  if (!left) return undefined
  await ledger.keepAfter(tenant, actionId, token, left)
  forgetSigns(world.dataFolder, actionId)
  return left
}

/** Ends and observes the abandoned commands of other actions in the same files: nobody else does before those continue. */
export async function resolveAbandoned(
  known: ActionRef,
  world: World,
  ledger: Pick<Ledger, 'findConcurrent' | 'keepAfter' | 'findForsaken'>,
): Promise<void> {
  const { tenant, actionId, action } = known
  for (const { action_id, ...other } of await ledger.findForsaken(tenant, actionId)) {
    if (!sharesFiles(action, other.action, world)) continue
    try {
      const kind = await kindOf(other.action, world, true)
      const begun = { ...other, tenant, actionId: action_id, token: Number(other.token) as FencingToken }
      await resolveAttempt(kind, inputOf(kind, other.action), begun, world, ledger)
    } catch (error) {
      // A kind or an input that is unknown here: the executor that takes it up reports that.
      if (!(error instanceof DeedError)) throw error
      await endTree([actionMark(action_id)], 0)
    }
  }
}
