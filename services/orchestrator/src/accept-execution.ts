/**
 * Taking a request in: the row that is the promise, and the thinking, side by side; then the plan.
 *
 * Whatever dies on the way, the row is there or it is not. Where it is, the resync thinks again.
 */
import { crashPoint } from '@deed/mesh/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import { replyOf } from './answer.ts'
import { answeredInput, answeredSnapshot } from './answer-from-cache.ts'
import { differences } from './differences.ts'
import { admissionOf, emptySnapshot, type Incoming, newExecution } from './new-execution.ts'
import { type PlanDependencies, planExecution } from './plan-execution.ts'
import type { ExecutionRow } from './snapshot.ts'
import type { Admission, Admitted } from './store/executions.ts'
import { think } from './think.ts'

export interface Accepting extends PlanDependencies {
  admit(admission: Admission): Promise<Admitted>
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
  if (admitted?.existed) return attached(accepting, admitted, execution)
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
async function attached(
  { driver }: Accepting,
  { execution_id: id, request_hash: hash, waiter_id: waiterId }: Admitted,
  asked: ExecutionRow,
): Promise<Accepted> {
  if (hash !== asked.request_hash) {
    const { execution } = await driver.read(id)
    throw conflict(id, differences(execution.request, asked.request))
  }
  return { id, existed: true, waiterId, planned: Promise.resolve({ background: false }), answered: undefined }
}

/** Names the fields, and not what is in them: whoever guesses a key learns nothing of the request it is for. */
function conflict(id: ExecutionId, differs: string[]): DeedError {
  const message = 'this idempotency key was used for another request; choose a new key, or send the same request again'
  return new DeedError('idempotency_conflict', message, {
    path: differs[0] ?? '$.idempotency_key',
    executionId: id,
    details: { differs },
  })
}
