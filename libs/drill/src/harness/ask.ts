/** A client that wants its answer: it asks again, with the same key, until there is one. */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { type ExecutionReply, type ExecutionRequest, requestExecution } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'

/** Short, so that a request which died with its receiver is soon sent again. */
const ASK_MS = 4_000
const ANSWER_MS_MAX = 60_000

export type KeyedRequest = Partial<ExecutionRequest> & { task: string; idempotency_key: string }

/** @throws what cannot be repaired by asking again; after 60 s, the last answer */
export async function ask(client: Bus, request: KeyedRequest): Promise<ExecutionReply> {
  const end = performance.now() + ANSWER_MS_MAX
  for (;;) {
    let last: unknown
    try {
      const reply = await client.call(requestExecution, request, { timeoutMs: ASK_MS, repeat: true })
      if ((FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(reply.status)) return reply
      last = reply
    } catch (error) {
      if (!(error instanceof DeedError) || !error.retryable) throw error
      last = error
    }
    if (performance.now() > end) throw new Error(`no answer to ${request.idempotency_key}`, { cause: last })
  }
}
