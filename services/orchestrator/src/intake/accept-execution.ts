/**
 * Accepts a request: stores its row, which is the promise, and thinks about it at the same time. A plan that is there in
 * time is stored with the row, in one commit; one that takes longer, after it.
 *
 * If a process dies, the row either exists or not. If it exists without a plan, the resync repeats the thinking.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { crashPoint } from '@deed/process/crash-point'
import { type CacheEntry, getCache } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { replyOf } from '../answers/answer.ts'
import { endByAnswer } from '../cache/answer-from-cache.ts'
import { announce } from '../dispatch/announce.ts'
import { slotRequestOf } from '../dispatch/capacity.ts'
import { measureStep } from '../dispatch/measure-step.ts'
import { differences } from '../execution/differences.ts'
import { isoTime } from '../execution/iso-time.ts'
import {
  type Admission,
  admissionOf,
  emptySnapshot,
  type Incoming,
  newExecution,
  PLANNING_MS,
} from '../execution/new-execution.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import type { ExecutionRow, Snapshot } from '../execution/snapshot.ts'
import {
  type PlanDependencies,
  type Planned,
  type Prepared,
  planExecution,
  prepare,
} from '../planning/plan-execution.ts'
import type { Admitted } from '../store/executions.ts'
import type { Waiter } from '../store/transitions.ts'
import { scopeOf } from '../thinking/think.ts'

export interface Accepting extends PlanDependencies {
  admit(admission: Admission): Promise<Admitted>
  /** Nothing follows the end of this execution, except that it is counted. */
  markEnded(snapshot: Snapshot): void
}

export interface Accepted {
  id: ExecutionId
  /** A request with the same key came first; this one gets the same answer. */
  existed: boolean
  /** Who asked, and is owed an answer. */
  waiter: Waiter | undefined
  /** Resolves when a plan, or the answer, is durable. */
  planned: Promise<Planned>
  /** The answer of a read that was served from the cache. */
  answered: ExecutionReply | undefined
}

/** @throws {DeedError} `idempotency_conflict` if the key belongs to another body */
export async function acceptExecution(accepting: Accepting, incoming: Incoming): Promise<Accepted> {
  const { clock, driver } = accepting
  if (incoming.waiter) accepting.lane.called()
  const execution = newExecution(incoming, clock.now())
  const keyed = incoming.request.idempotency_key !== undefined
  const cached = keyed ? undefined : await askCacheAlone(accepting, execution)
  if (cached) return answerFirst(accepting, admissionOf(execution, { ...incoming, waiter: undefined }), cached)
  if (!incoming.waiter) execution.next_check_at = isoTime(clock.now() + PLANNING_MS + turnMs(accepting, execution))
  const admission = admissionOf(execution, incoming)
  // A caller waits: thinking begins before anything is stored.
  const preparing = incoming.waiter && prepare(accepting, execution)
  const begun = preparing && (await beginAtOnce(accepting, admission, preparing, incoming.waiter?.dueAt ?? 0))
  if (begun) return begun
  crashPoint('orchestrator.before_admit')
  const { execution_id: id } = execution
  const admitted = await accepting.admit(admission).catch((error: unknown) => {
    giveUp(preparing)
    throw error
  })
  if (admitted.existed) {
    giveUp(preparing)
    return attached(accepting, admitted, incoming, execution)
  }
  crashPoint('orchestrator.after_admit')
  const plan = (): Promise<Planned> => {
    // When its turn comes: thousands that wait would drive those that run out of the memory.
    driver.know(emptySnapshot(execution))
    return planExecution(accepting, execution, preparing)
  }
  const planned = preparing ? accepting.lane.ahead(id, plan) : accepting.lane.behind(slotRequestOf(execution), plan)
  return { id, existed: false, waiter: waiterOf(admitted, incoming), planned, answered: undefined }
}

/** For each execution that is planned first. */
const TURN_MS = 5
const TURN_MS_MAX = 300_000

/** About how long it waits in the queue of this replica: each check before that would be a write for nothing. */
const turnMs = ({ lane }: Accepting, { tenant }: ExecutionRow): number =>
  Math.min(TURN_MS_MAX, lane.waitingOf(tenant) * TURN_MS)

/**
 * A request is stored without its plan where that takes longer, or half of the time that its caller waits. With many in
 * flight a plan takes a while, and two commits instead of one would make it take longer.
 */
const PLAN_FIRST_MS_MAX = 250

/** @returns undefined if there is no plan yet, or none that can begin, or its key has an execution */
async function beginAtOnce(
  { driver, clock }: Accepting,
  admission: Admission,
  preparing: Promise<Prepared>,
  dueAt: number,
): Promise<Accepted | undefined> {
  const late = sleep(Math.min(PLAN_FIRST_MS_MAX, (dueAt - clock.now()) / 2))
  const prepared = await Promise.race([preparing.catch(() => undefined), late])
  if (!prepared || prepared.asks || prepared.input.type !== 'planned' || prepared.input.work.approvals.length > 0)
    return undefined
  const waiters = await driver.begin(admission, prepared.input).finally(prepared.release)
  if (!waiters) return undefined
  const planned = Promise.resolve({ background: prepared.background })
  const { execution_id: id } = admission.execution
  return { id, existed: false, waiter: waiters[0], planned, answered: undefined }
}

/** The plan is not wanted: nothing waits for its room. */
const giveUp = (preparing: Promise<Prepared> | undefined): void => {
  preparing?.then(
    ({ release }) => release(),
    () => undefined,
  )
}

/**
 * A question that was answered from the cache before goes to the cache first: nine times in ten nothing else is needed.
 */
async function askCacheAlone(
  { bus, log, cachedBefore, isFresh }: Accepting,
  execution: ExecutionRow,
): Promise<CacheEntry | undefined> {
  const { tenant, request } = execution
  // The words are the manifest's name, and say nothing about its content.
  if (request.manifest) return undefined
  const scope = scopeOf(request)
  if (!cachedBefore.has(tenant, scope)) return undefined
  try {
    const { entry } = await bus.call(getCache, scope, { ...onBehalfOf(execution), patient: false })
    if (entry?.tier === 'exact' && entry.value.kind === 'answer' && (await isFresh(entry.value.execution_id)))
      return entry
  } catch (error) {
    log.warn({ err: error }, 'continuing without the cache')
  }
  cachedBefore.forget(tenant, scope)
  return undefined
}

/** A read without a key changes nothing and promises nothing: it is answered first, and stored afterwards. */
function answerFirst(accepting: Accepting, admission: Admission, entry: CacheEntry): Accepted {
  const { bus, clock, admit, markEnded } = accepting
  const now = clock.now()
  const draft = endByAnswer(admission, entry, now)
  const { execution_id: id } = draft.execution
  const answered = replyOf(draft, now)
  const planned = admit(admission).then(() => {
    announce(bus, draft)
    measureStep(draft)
    markEnded(draft)
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

/** Names the fields that differ, not their contents: a guessed key reveals nothing about its request. */
function conflict(id: ExecutionId, differs: string[]): DeedError {
  const message = 'this idempotency key was used for another request; choose a new key, or send the same request again'
  return new DeedError('idempotency_conflict', message, {
    path: differs[0] ?? '$.idempotency_key',
    executionId: id,
    details: { differs },
  })
}
