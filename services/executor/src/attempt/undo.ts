/**
 * One attempt at bringing back what was there before an action.
 *
 * It goes by the ledger: no intent, so nothing was begun. What somebody else has changed since is left as it is.
 * Running it twice does no more than running it once.
 */
import { hostname } from 'node:os'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { TargetState, World } from '../kind/kind.ts'
import { inputOf, kindOf } from '../kinds/kinds.ts'
import type { Observed } from '../observing/observe.ts'
import type { LedgerRow } from '../store/ledger.ts'
import { type ActDependencies, StillRunningError } from './act.ts'
import type { Attempt } from './attempt.ts'
import { traceUndo } from './attempt-spans.ts'
import { type Conclusion, concluded, failedWith, provenBy } from './conclusion.ts'
import { contextOf } from './context.ts'
import { begunBy, resolveAttempt } from './resolve-abandoned.ts'
import { refuseOtherMeaning } from './resolved.ts'

/** @returns `stale` when the attempt may not act, and nothing is to be reported */
export async function undo(attempt: Attempt, dependencies: ActDependencies): Promise<Conclusion | 'stale'> {
  const { work, actionId } = attempt
  let row: LedgerRow | undefined
  try {
    attempt.leaseSeen()
    const written = await dependencies.ledger.writeUndoIntent({
      tenant: work.tenant,
      actionId,
      executionId: work.execution_id,
      taskId: work.task_id,
      token: work.token,
      action: work.action,
      actionHash: work.action_hash,
    })
    if (written) attempt.begunUnder(written.attempt_key)
    if (written?.inserted) return nothingBegun(attempt)
    row = written
    if (!row) {
      const met = await dependencies.ledger.find(work.tenant, actionId)
      if (!met || Number(met.token) !== work.token || met.intent !== 'undo') return 'stale'
      attempt.begunUnder(met.attempt_key)
      if (met.undo_outcome && Number(met.undo_token) === work.token) return recordedUndo(met)
      if (dependencies.holderLives(met)) throw new StillRunningError('the process that began it may still be at work')
      if (!(await dependencies.ledger.adopt(work.tenant, actionId, work.token, met))) return 'stale'
      row = met
    }
    crashPoint('executor.after_intent')
    const begun = row
    return await traceUndo(attempt, () => dependencies.withPlace(() => bringBack(attempt, dependencies, begun)))
  } catch (error) {
    if (error instanceof StillRunningError) throw error
    return failedWith(attempt, error, row)
  }
}

async function bringBack(attempt: Attempt, { world, ledger }: ActDependencies, row: LedgerRow): Promise<Conclusion> {
  const { action } = attempt.work
  const kind = await kindOf(action, world, true)
  if (row.effect === 'none' || row.undo_outcome === 'done')
    return proven(attempt, kind.name, 'nothing was to be brought back', {
      at: 'before',
      observed: row.effect === 'none' ? 'the action had changed nothing' : 'it had been brought back already',
    })
  const input = inputOf(kind, action)
  const context = contextOf(attempt, world, ledger)
  await refuseOtherMeaning(kind, input, context, true)
  // A process of the dead attempt could go on changing what is brought back here.
  const after = await resolveAttempt(kind, input, begunBy(attempt, row), world, ledger)
  const { before } = row
  const observedAt = Date.now()
  const targetState = await kind.targetState(input, context, before, after)
  if (targetState.at === 'before')
    return proven(attempt, kind.name, 'it was as before already', targetState, observedAt)
  if (targetState.at === 'elsewhere') throw conflict(targetState, world)
  if (row.reversibility === 'irreversible')
    throw new DeedError('not_undoable', `a ${kind.name} like this cannot be undone: ${targetState.observed}`)
  crashPoint('executor.in_compensate')
  const claimed = await kind.compensate(input, context, before, after)
  attempt.made()
  crashPoint('executor.after_effect')
  const undoneAt = Date.now()
  const now = await kind.targetState(input, context, before, after)
  return proven(attempt, kind.name, claimed, now, undoneAt)
}

/** Both stay: what somebody has made of it, in its place; and what had been there, where a person finds it. */
function conflict({ observed, kept = [] }: TargetState, { blobs }: World): DeedError {
  const files = kept.map(({ path, sha256 }) => ({ path, sha256, file: blobs.fileOf(sha256) }))
  const said = files.slice(0, KEPT_SAID_MAX).map(({ path, file }) => `${path} in ${file}`)
  const more = files.length > said.length ? ` and ${files.length - said.length} more` : ''
  const where = said.length === 0 ? '' : `; what was there before is kept on ${hostname()}: ${said.join(', ')}${more}`
  return new DeedError(
    'undo_conflict',
    `somebody has changed the target since, so it is left as it is: ${observed}${where}`,
    { details: { kept: files.slice(0, KEPT_MAX), host: hostname() } },
  )
}

/** Files that a conflict names in its sentence, and in all. */
const KEPT_SAID_MAX = 3
const KEPT_MAX = 100

/** @param observedAt when the observation began, in milliseconds since 1970 */
function proven(
  attempt: Attempt,
  kind: string,
  claimed: string,
  { at, observed, facts }: TargetState,
  observedAt = Date.now(),
): Conclusion {
  const seen: Observed = {
    outcome: at === 'before' ? 'verified' : 'failed',
    observed,
    at: observedAt,
    earlier: [],
    ...(facts ? { facts } : {}),
  }
  const conclusion = concluded(attempt, provenBy({ name: kind }, seen, { claimed }))
  if (conclusion.outcome === 'done') return conclusion
  const text = `what was there before is not back: ${observed}`
  return { ...conclusion, error: new DeedError('compensation_failed', text).body }
}

function nothingBegun(attempt: Attempt): Conclusion {
  return proven(attempt, attempt.work.action.kind, 'nothing was to be brought back', {
    at: 'before',
    observed: 'the ledger has no intent of this action, so nothing was ever begun',
  })
}

function recordedUndo(row: LedgerRow): Conclusion {
  return {
    outcome: row.undo_outcome!,
    effect: 'unknown',
    evidence: row.undo_evidence ?? undefined,
    result: row.undo_evidence ? { text: row.undo_evidence.observed } : undefined,
    error: row.undo_error ?? undefined,
    after: undefined,
    earlierObservations: [],
    recorded: true,
  }
}
