/**
 * Taking a request in: the row that is the promise, and the thinking, side by side; then the plan.
 *
 * Whatever dies on the way, the row is there or it is not. Where it is, the resync thinks again.
 */

import { crashPoint } from '@deed/mesh/crash-point'
import { type CacheEntry, getCache } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { replyOf } from '../answers/answer.ts'
import { announce } from '../audit/announce.ts'
import { differences } from '../differences.ts'
import { askingOf } from '../drive.ts'
import { onBehalfOf } from '../on-behalf-of.ts'
import { type PlanDependencies, planExecution } from '../planning/plan-execution.ts'
import { scopeOf, think } from '../planning/think.ts'
import type { ExecutionRow } from '../snapshot.ts'
import type { Admission, Admitted } from '../store/executions.ts'
import type { Waiter } from '../store/transitions.ts'
import { endByAnswer } from './answer-from-cache.ts'
import { admissionOf, emptySnapshot, type Incoming, newExecution } from './new-execution.ts'

export interface Accepting extends PlanDependencies {
  admit(admission: Admission): Promise<Admitted>
}

export interface Accepted {
  id: ExecutionId
  /** A request with the same key was there first; this one is answered with that one's answer. */
  existed: boolean
  /** Who asked, and is owed an answer. */
  waiter: Waiter | undefined
  /** Resolves when a plan, or the answer, is durable. */
  planned: Promise<{ background: boolean }>
  /** Of a read that was answered from the cache. */
  answered: ExecutionReply | undefined
}

/**
 * @throws {DeedError} `idempotency_conflict` when the key is taken by another body
 */
export async function acceptExecution(accepting: Accepting, incoming: Incoming): Promise<Accepted> {
  const { clock, driver } = accepting
  const execution = newExecution(incoming, clock.now())
  const keyed = incoming.request.idempotency_key !== undefined
  const cached = keyed ? undefined : await askCacheAlone(accepting, execution)
  if (cached) return answerFirst(accepting, admissionOf(execution, { ...incoming, waiter: undefined }), cached)
  // Somebody waits: it is thought about while it is stored.
  const thinking = incoming.waiter === undefined ? undefined : think(accepting, execution)
  crashPoint('orchestrator.before_admit')
  const admitting = accepting.admit(admissionOf(execution, incoming))
  const { execution_id: id } = execution
  const admitted = await admitting
  if (admitted.existed) return attached(accepting, admitted, incoming, execution)
  crashPoint('orchestrator.after_admit')
  driver.know(emptySnapshot(execution))
  const planned = thinking
    ? accepting.lane.ahead(id, () => planExecution(accepting, execution, thinking))
    : accepting.lane.behind(askingOf(execution), () => planExecution(accepting, execution))
  return { id, existed: false, waiter: waiterOf(admitted, incoming), planned, answered: undefined }
}

/** A question that was answered from the cache before is asked there alone: nine times in ten that is all there is to do. */
async function askCacheAlone(
  { bus, log, cachedBefore, isFresh }: Accepting,
  execution: ExecutionRow,
): Promise<CacheEntry | undefined> {
  const { tenant, request } = execution
  // The words are the manifest's name, and say nothing of what is in it.
  if (request.manifest) return undefined
  const scope = scopeOf(request)
  if (!cachedBefore.has(tenant, scope)) return undefined
  try {
    const { entry } = await bus.call(getCache, scope, { ...onBehalfOf(execution), patient: false })
    if (entry?.value.kind === 'answer' && (await isFresh(entry.value.execution_id))) return entry
  } catch (error) {
    log.warn({ err: error }, 'going on without the cache')
  }
  cachedBefore.forget(tenant, scope)
  return undefined
}

/** A read without a key changes nothing and promises nothing: it is answered first, and written behind the answer. */
function answerFirst(accepting: Accepting, admission: Admission, entry: CacheEntry): Accepted {
  const { bus, clock, admit } = accepting
  const now = clock.now()
  const draft = endByAnswer(admission, entry, now)
  const { execution_id: id } = draft.execution
  const answered = replyOf(draft, now)
  const planned = admit(admission).then(() => {
    announce(bus, draft)
    return { background: false }
  })
  return { id, existed: false, waiter: undefined, planned, answered }
}

/** @throws {DeedError} `idempotency_conflict` */
async function attached(
  { driver }: Accepting,
  admitted: Admitted,
  incoming: Incoming,
  asked: ExecutionRow,
): Promise<Accepted> {
  const { execution_id: id, request_hash: hash } = admitted
  if (hash !== asked.request_hash) {
    const { execution } = await driver.read(id)
    throw conflict(id, differences(execution.request, asked.request))
  }
  const planned = Promise.resolve({ background: false })
  return { id, existed: true, waiter: waiterOf(admitted, incoming), planned, answered: undefined }
}

const waiterOf = ({ execution_id, waiter_id }: Admitted, { waiter }: Pick<Incoming, 'waiter'>): Waiter | undefined =>
  waiter && waiter_id !== null ? { execution_id, waiter_id, reply_to: waiter.replyTo } : undefined

/** Names the fields, and not what is in them: whoever guesses a key learns nothing of the request it is for. */
function conflict(id: ExecutionId, differs: string[]): DeedError {
  const message = 'this idempotency key was used for another request; choose a new key, or send the same request again'
  return new DeedError('idempotency_conflict', message, {
    path: differs[0] ?? '$.idempotency_key',
    executionId: id,
    details: { differs },
  })
}
