/** Answers a read that was answered before: the same answer, with its original evidence. */
import type { CacheEntry } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import { type Draft, draftOf, record } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { type Admission, emptySnapshot } from '../execution/new-execution.ts'
import type { Input } from '../reconcile/input.ts'

export function answeredInput(entry: CacheEntry): Extract<Input, { type: 'answered' }> {
  const { value } = entry
  if (value.kind !== 'answer') throw new DeedError('internal', 'a solution is not an answer')
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

/** Evidence of another execution, with its age. */
function cited(evidence: Evidence, entry: CacheEntry, from: ExecutionId): Evidence {
  return {
    ...evidence,
    kind: 'cited',
    facts: {
      ...evidence.facts,
      execution_id: from,
      cache_entry: entry.entry_id,
      age_ms: entry.age_ms,
      original_kind: evidence.kind,
      ...similarity(entry),
    },
  }
}

/** Of an answer to similar words: to which, how similar, and how many of such answers are wrong at most. */
const similarity = ({ similar }: CacheEntry): Evidence['facts'] =>
  similar && {
    similar_to: similar.text,
    similarity: similar.similarity,
    ...(similar.vector && { vector: similar.vector }),
    ...(similar.scope && { cache_scope: similar.scope }),
    ...(similar.certificate && { wrong_max: similar.certificate.wrong_max, judged: similar.certificate.judged }),
  }

/** Ends the execution with an answer from the cache. `admission` is extended to cover all of it. */
export function endByAnswer(admission: Admission, entry: CacheEntry, now: number): Draft {
  const { found, evidence } = answeredInput(entry)
  const { execution } = admission
  const draft = draftOf(emptySnapshot(execution), now)
  const finished_at = isoTime(now)
  Object.assign(execution, found, { status: 'done', cited: evidence, finished_at })
  record(draft, 'execution.ended', { status: 'done', error: null })
  admission.audit.push(...draft.audit)
  return draft
}
