/** Values of a verified execution, for tests. */
import { randomUUID } from 'node:crypto'
import type { CacheValue } from '@deed/proto/cache'
import { CachedAnswer, CachedSolution } from '@deed/proto/cache'
import type { VerificationOutcome } from '@deed/proto/observation'

export function answer(text: string, outcome: VerificationOutcome = 'verified'): CacheValue {
  return CachedAnswer.parse({
    kind: 'answer',
    result: { text },
    evidence: [
      {
        kind: 'observed',
        outcome,
        claimed: 'read',
        observed: 'the same again',
        observed_at: '2026-01-01T00:00:00.000Z',
      },
    ],
    execution_id: randomUUID(),
    template_used: null,
    model_used: null,
  })
}

export function solution(path: string): CacheValue {
  const action = { kind: 'dir.create', input: { path } }
  return CachedSolution.parse({
    kind: 'solution',
    solution: { actions: [{ name: 'make', title: 'make it', action }], confidence: 1 },
    execution_id: randomUUID(),
    model_used: 'fake',
  })
}
