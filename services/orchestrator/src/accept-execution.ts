/**
 * Taking a request in: the row that is the promise, and the thinking, side by side; then the plan.
 *
 * Whatever dies on the way, the row is there or it is not. Where it is, the resync thinks again.
 */
import { randomUUIDv7 } from 'node:crypto'
import type { Bus } from '@deed/mesh/bus'
import { canonicalJson, hashJson, sha256 } from '@deed/mesh/canonical-json'
import { crashPoint } from '@deed/mesh/crash-point'
import { type CacheEntry, reserveCache } from '@deed/proto/cache'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ExecutionReply, ExecutionRequest } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import type { Log } from '@deed/telemetry/logger'
import { replyOf } from './answer.ts'
import type { Clock } from './clock.ts'
import type { Driver } from './drive.ts'
import { planWork } from './plan-work.ts'
import { effectOf, type Policy } from './policy.ts'
import { isoTime } from './reconcile/draft.ts'
import type { Input } from './reconcile/input.ts'
import type { ExecutionRow, Snapshot } from './snapshot.ts'
import type { Admission, Admitted } from './store/executions.ts'
import { scopeOf, type Thought, think } from './think.ts'

/** A plan that is expected to take longer goes on in the background, unless the request says otherwise. */
const IMMEDIATE_MS_MAX = 30_000
const PLANNING_MS = 5_000

export interface Accepting {
  bus: Bus
  log: Log
  clock: Clock
  policy: Policy
  driver: Driver
  admit(admission: Admission): Promise<Admitted>
}

/** A request as it came in. */
export interface Incoming {
  request: ExecutionRequest
  principal: Principal
  trace: string
  waiter: { replyTo: string; dueAt: number } | undefined
}

export interface Accepted {
  id: ExecutionId
  /** A request with the same key was there first; this one is answered with that one's answer. */
  existed: boolean
  waiterId: string | null
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
  const thinking = think(accepting, execution)
  crashPoint('orchestrator.before_admit')
  const admitting = accepting.admit(admissionOf(execution, incoming))
  admitting.catch(() => undefined)
  const { execution_id: id } = execution
  // A key promises one answer for all requests with it, so its row comes first. A cached read without a
  // key is answered first, and its row is written behind the answer.
  const admitted = incoming.request.idempotency_key === undefined ? undefined : await admitting
  if (admitted?.existed) return attached(admitted, execution)
  const entry = await thinking.answer
  if (entry) {
    const reply = replyOf(answeredSnapshot(structuredClone(execution), entry, clock.now()), clock.now())
    const planned = admitting.then(async () => {
      driver.know(emptySnapshot(execution))
      await driver.apply(id, answeredInput(entry))
      return { background: false }
    })
    return { id, existed: false, waiterId: null, planned, answered: reply }
  }
  const { waiter_id: waiterId } = admitted ?? (await admitting)
  crashPoint('orchestrator.after_admit')
  driver.know(emptySnapshot(execution))
  return {
    id,
    existed: false,
    waiterId,
    planned: planExecution(accepting, execution, thinking.thought),
    answered: undefined,
  }
}

/** @throws {DeedError} `idempotency_conflict` */
function attached(
  { execution_id: id, request_hash: hash, waiter_id: waiterId }: Admitted,
  asked: ExecutionRow,
): Accepted {
  if (hash !== asked.request_hash) throw conflict(id)
  return { id, existed: true, waiterId, planned: Promise.resolve({ background: false }), answered: undefined }
}

/** Thinks and plans for an execution that has its row: after its acceptance, or again after a crash. */
export async function planExecution(
  accepting: Accepting,
  execution: ExecutionRow,
  thinking: Promise<Thought> = think(accepting, execution).thought,
): Promise<{ background: boolean }> {
  const { driver, log } = accepting
  try {
    const thought = await thinking
    crashPoint('orchestrator.after_think')
    const { input, background } = await planOf(accepting, execution, thought)
    await driver.apply(execution.execution_id, input)
    return { background: background || isBackground(execution.request, thought) }
  } catch (error) {
    // What may work later is thought again by the resync; the promise stands.
    const body = failureOf(error)
    if (body.retryable) {
      log.warn({ err: error, execution_id: execution.execution_id }, 'planning is put off')
      return { background: false }
    }
    if (body.code === 'internal') log.error({ err: error, execution_id: execution.execution_id }, 'planning failed')
    await driver
      .apply(execution.execution_id, { type: 'plan_failed', error: body, found: { method: 'error' } })
      .catch((cause: unknown) => log.error({ err: cause, execution_id: execution.execution_id }, 'failure not stored'))
    return { background: false }
  }
}

/** A bug is not retried for ever: its execution fails, and the log says why. */
function failureOf(error: unknown): ErrorBody {
  if (error instanceof DeedError) return error.body
  return { code: 'internal', message: 'something went wrong inside; the log says what', retryable: false }
}

async function planOf(
  accepting: Accepting,
  execution: ExecutionRow,
  thought: Thought,
): Promise<{ input: Input; background: boolean }> {
  if (thought.type === 'answer') return { input: answeredInput(thought.entry), background: false }
  const { bus, clock, policy } = accepting
  const work = await planWork({ bus, policy, now: clock.now }, execution, thought.nodes)
  const actions = thought.nodes.flatMap(({ solution }) => solution?.actions ?? [])
  const cacheable = actions.length > 0 && actions.every(({ action }) => policy.kinds[action.kind]?.cacheable === true)
  if (cacheable && thought.nodes.every(({ solution }) => solution !== undefined)) {
    const hit = await reserve(accepting, execution)
    if (hit) return { input: answeredInput(hit), background: false }
  }
  const [first] = thought.nodes
  return {
    input: {
      type: 'planned',
      work,
      found: {
        method: thought.method,
        template_used: first?.solution?.template_id ?? null,
        template_version: first?.solution?.template_version ?? null,
        degraded: thought.degraded,
      },
    },
    background: work.approvals.length > 0 && execution.request.mode === 'background',
  }
}

/** Equal reads at once compute once: the others are answered when the first has its answer. */
async function reserve({ bus, log }: Accepting, execution: ExecutionRow): Promise<CacheEntry | undefined> {
  try {
    const reply = await bus.call(
      reserveCache,
      { ...scopeOf(execution.request), execution_id: execution.execution_id },
      { principal: { tenant: execution.tenant, user: execution.user_name }, trace: execution.trace },
    )
    return reply.state === 'hit' && reply.entry.value.kind === 'answer' ? reply.entry : undefined
  } catch (error) {
    log.warn({ err: error, execution_id: execution.execution_id }, 'going on without a reservation')
    return undefined
  }
}

/** Whether every action of a request's plan only reads what may be answered from memory. */
export const isCacheable = (
  policy: Policy,
  kinds: readonly { kind: string; input: Record<string, unknown> }[],
): boolean =>
  kinds.length > 0 &&
  kinds.every(
    ({ kind, input }) =>
      policy.kinds[kind]?.cacheable === true &&
      effectOf(policy, kind, input as Parameters<typeof effectOf>[2]) === 'read',
  )

function isBackground(request: ExecutionRequest, thought: Thought): boolean {
  if (request.mode !== 'auto') return request.mode === 'background'
  return thought.type === 'solved' && thought.estimatedMs > IMMEDIATE_MS_MAX
}

export function newExecution({ request, principal, trace }: Incoming, now: number): ExecutionRow {
  return {
    tenant: principal.tenant,
    execution_id: randomUUIDv7() as ExecutionId,
    user_name: principal.user,
    idempotency_key: request.idempotency_key ?? null,
    request_hash: hashJson({ ...request, idempotency_key: undefined }),
    request,
    trace,
    status: 'planning',
    ending: null,
    version: 1,
    method: null,
    model_used: null,
    template_used: null,
    template_version: null,
    tokens_used: 0,
    cost_microusd: 0,
    cache_hit: false,
    degraded: [],
    result: null,
    error: null,
    cited: null,
    audit_seq: 0,
    audit_hash: '',
    created_at: isoTime(now),
    finished_at: null,
    next_check_at: isoTime(now + PLANNING_MS),
    settled: false,
  }
}

/** Chains the first row of the execution's audit log. */
export function admissionOf(
  execution: ExecutionRow,
  { principal, waiter }: Omit<Incoming, 'request' | 'trace'>,
): Admission {
  const data = { by: principal.user, request_hash: execution.request_hash }
  const row = {
    execution_id: execution.execution_id,
    seq: 1,
    type: 'execution.accepted',
    at: execution.created_at,
    task_id: null,
    data,
  }
  const hash = sha256(canonicalJson(row))
  execution.audit_seq = 1
  execution.audit_hash = hash
  return {
    execution,
    waiter: waiter === undefined ? undefined : { reply_to: waiter.replyTo, due_at: isoTime(waiter.dueAt) },
    audit: { type: row.type, at: row.at, data, hash },
  }
}

export const emptySnapshot = (execution: ExecutionRow): Snapshot => ({
  execution,
  tasks: new Map(),
  approvals: new Map(),
  parts: [],
  plans: 0,
})

function answeredInput(entry: CacheEntry): Extract<Input, { type: 'answered' }> {
  const { value } = entry
  if (value.kind !== 'answer') throw new DeedError('internal', 'a solution is no answer')
  return {
    type: 'answered',
    found: {
      method: 'cached',
      cache_hit: true,
      result: value.result,
      template_used: value.template_used,
      model_used: value.model_used,
    },
    evidence: value.evidence.map((evidence) => cited(evidence, entry, value.execution_id)),
  }
}

/** Evidence of another execution, with its age: it was so when it was looked at. */
function cited(evidence: Evidence, entry: CacheEntry, from: ExecutionId): Evidence {
  return {
    ...evidence,
    kind: 'cited',
    facts: { ...evidence.facts, execution_id: from, age_ms: entry.age_ms, original_kind: evidence.kind },
  }
}

function answeredSnapshot(execution: ExecutionRow, entry: CacheEntry, now: number): Snapshot {
  const { found, evidence } = answeredInput(entry)
  Object.assign(execution, found, { status: 'done', cited: evidence, finished_at: isoTime(now) })
  return emptySnapshot(execution)
}

const conflict = (id: ExecutionId): DeedError =>
  new DeedError(
    'idempotency_conflict',
    'this idempotency key was used for another request; choose a new key, or send the same request again',
    { path: '$.idempotency_key', executionId: id },
  )
