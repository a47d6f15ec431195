// Spans without a collector; recorder.test.ts tests exported ones.
import { describe, expect, it } from 'vitest'
import { activeSpans, endOpenSpan, inSpan, recordSpan, runFor, spansOf, startSpan } from './span.ts'
import { spanData } from './span-data.ts'
import { executionIn, parseTraceparent, traceparentIn } from './trace-context.ts'

const EXECUTION = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000'

const namesOf = (traceId: string) => spansOf(traceId).spans.map(({ name }) => name)

describe('a span', () => {
  it("belongs to its parent's trace and execution, whether the trace is sampled or not", () => {
    for (const flags of ['01', '00']) {
      const parent = `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags};${EXECUTION}`
      const span = startSpan('process execution.cancel', { parent, kind: 'server' })
      expect(span.traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
      expect(executionIn(span.trace)).toBe(EXECUTION)
      const context = parseTraceparent(traceparentIn(span.trace))
      expect(context).toEqual({ traceId: span.traceId, spanId: span.spanId, sampled: flags === '01' })
      expect(span.spanId).not.toBe('00f067aa0ba902b7')
      span.end()
    }
  })

  it.each([undefined, '', 'nonsense'])('begins a trace without a readable parent: %j', (parent) => {
    const span = startSpan('process execution.request', { parent })
    span.end()
    expect(spansOf(span.traceId).spans).toMatchObject([{ name: 'process execution.request', parentId: undefined }])
  })

  it('leaves with the first span of its process: none is visible while that one is open', () => {
    const first = startSpan('first')
    const child = startSpan('child', { parent: first.trace })
    const grandchild = startSpan('grandchild', { parent: child.trace })
    grandchild.end()
    child.end()
    expect(namesOf(first.traceId)).toEqual([])
    first.end()
    expect(namesOf(first.traceId).sort()).toEqual(['child', 'first', 'grandchild'])
  })

  it('fails with the code of its error, and with an event', async () => {
    const failure = Object.assign(new Error('refused'), { code: 'denied' })
    let traceId = ''
    const failing = inSpan('act file.write', {}, async (span) => {
      traceId = span.traceId
      throw failure
    })
    await expect(failing).rejects.toBe(failure)
    expect(spansOf(traceId).spans.map(spanData)).toMatchObject([
      {
        failed: true,
        message: 'refused',
        attributes: { 'error.type': 'denied' },
        events: [{ name: 'exception', attributes: { 'exception.type': 'denied', 'exception.message': 'refused' } }],
      },
    ])
  })

  it('bounds its events and their texts', () => {
    const span = startSpan('act command.run')
    for (let index = 0; index < 100; index++) span.addEvent('claimed', { 'deed.claim': 'x'.repeat(5_000) })
    span.end()
    const { events } = spanData(spansOf(span.traceId).spans[0]!)
    expect(events).toHaveLength(32)
    expect(String(events[0]?.attributes['deed.claim'])).toHaveLength(1_024)
  })

  it('that was left open ends with the work, in another process', () => {
    const root = startSpan('process execution.request', { kind: 'server', startMs: 1_000 })
    const open = root.open()
    const child = startSpan('plan', { parent: root.trace })
    child.end()
    root.leaveOpen()
    root.end()
    expect(namesOf(root.traceId)).toEqual(['plan'])
    endOpenSpan(root.trace, JSON.parse(JSON.stringify(open)), { endMs: 3_000, attributes: { done: true } })
    expect(spansOf(root.traceId).spans.map(spanData).at(-1)).toMatchObject({
      span_id: root.spanId,
      parent_id: null,
      kind: 'server',
      start_ms: 1_000,
      duration_ms: 2_000,
      attributes: { done: true },
    })
  })
})

describe('the active spans', () => {
  it('are those of the work, until they end', async () => {
    const span = startSpan('process task.report')
    await span.run(async () => {
      expect(activeSpans()).toEqual([span])
      await Promise.resolve()
      span.end()
      expect(activeSpans()).toEqual([])
    })
    expect(activeSpans()).toEqual([])
  })

  it('are several for a statement that serves several', () => {
    const both = [startSpan('one'), startSpan('other')]
    runFor(both, () => {
      for (const { trace } of activeSpans()) recordSpan('orchestrator.commit', { parent: trace, kind: 'client' })
    })
    for (const span of both) {
      span.end()
      expect(namesOf(span.traceId)).toContain('orchestrator.commit')
    }
  })
})
