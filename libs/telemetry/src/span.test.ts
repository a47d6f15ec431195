// What a span is when nobody records it; recorder.test.ts has the spans that are recorded.
import { describe, expect, it } from 'vitest'
import { startSpan, withSpan } from './span.ts'
import { formatTraceparent, newTraceContext, parseTraceparent } from './trace-context.ts'

describe('a span that nobody records', () => {
  it('has the trace of its parent and hands it on', () => {
    for (const sampled of [true, false]) {
      const parent = newTraceContext(sampled)
      const span = startSpan('execution.cancel', { parent: formatTraceparent(parent), kind: 'server' })
      expect(span.recording).toBe(false)
      expect(span.traceId).toBe(parent.traceId)
      expect(parseTraceparent(span.traceparent)).toEqual(parent)
    }
  })

  it.each([undefined, '', 'nonsense'])('begins a trace without a parent that can be read: %j', (parent) => {
    const span = startSpan('execution.cancel', { parent })
    expect(parseTraceparent(span.traceparent)).toMatchObject({ traceId: span.traceId, sampled: false })
    expect(startSpan('execution.cancel', { parent }).traceId).not.toBe(span.traceId)
  })

  it('gives what the work gives', async () => {
    await expect(withSpan('plan', {}, async (span) => span.run(() => 1))).resolves.toBe(1)
    await expect(withSpan('plan', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(
      withSpan('plan', {}, () => {
        throw new Error('at once')
      }),
    ).rejects.toThrow('at once')
  })
})
