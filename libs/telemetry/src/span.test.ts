// Spans that are not recorded; recorder.test.ts tests recorded ones.
import { describe, expect, it } from 'vitest'
import { startSpan } from './span.ts'
import { parseTraceparent } from './trace-context.ts'

describe('a span that is not recorded', () => {
  it("has its parent's trace and propagates it", () => {
    for (const flags of ['01', '00']) {
      const parent = `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags}`
      const span = startSpan('execution.cancel', { parent, kind: 'server' })
      expect(span.traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
      expect(span.traceparent).toBe(parent)
      expect(span.run(() => 1)).toBe(1)
    }
  })

  it.each([undefined, '', 'nonsense'])('begins a trace without a readable parent: %j', (parent) => {
    const span = startSpan('execution.cancel', { parent })
    expect(parseTraceparent(span.traceparent)).toMatchObject({ traceId: span.traceId, sampled: false })
    expect(startSpan('execution.cancel', { parent }).traceId).not.toBe(span.traceId)
  })
})
