/** Traces as a collector received them. */
import { until } from '@deed/process/until'
import type { ReceivedSpan, startCollector } from '@deed/telemetry/test-collector'
import { expect } from 'vitest'

export const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'] as const

/**
 * The spans of a trace, once it has a root and a parent for every span; spans leave their processes one after another.
 *
 * @param more further names that must have come
 */
export async function receivedTrace(
  collector: Pick<Awaited<ReturnType<typeof startCollector>>, 'spans'>,
  traceId: string,
  more: readonly string[] = [],
): Promise<ReceivedSpan[]> {
  return until(
    () => {
      const spans = collector.spans().filter((span) => span.traceId === traceId)
      const names = spans.map(({ name }) => name)
      const missing = more.filter((name) => !names.includes(name))
      const orphans = orphansOf(spans).map(({ name }) => name)
      if (rootsOf(spans).length > 0 && orphans.length === 0 && missing.length === 0) return spans
      throw new Error(`orphans: ${orphans.join(', ')}; missing: ${missing.join(', ')}; there: ${names.join(', ')}`)
    },
    { what: 'a whole trace' },
  )
}

export const rootsOf = (spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  spans.filter(({ parentSpanId }) => parentSpanId === '')

const orphansOf = (spans: readonly ReceivedSpan[]): ReceivedSpan[] => {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
}

/** `service: name (kind)` of each span, sorted. */
export const linesOf = (spans: readonly ReceivedSpan[]): string[] =>
  [...new Set(spans.map(({ service, name, kind }) => `${service}: ${name} (${KINDS[kind]})`))].sort()

/** Which service asked which: a child in one of a parent in another. */
export function edgesOf(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const edges = spans.flatMap(({ service, parentSpanId }) => {
    const parent = byId.get(parentSpanId)
    return parent && parent.service !== service ? [`${parent.service} -> ${service}`] : []
  })
  return [...new Set(edges)].sort()
}

/** What holds for every trace of an execution. @returns its root */
export function expectWhole(spans: readonly ReceivedSpan[], executionId: string): ReceivedSpan {
  const [root, ...others] = rootsOf(spans)
  expect(others).toEqual([])
  if (!root) throw new Error('the trace has no root')
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  for (const span of spans) {
    expect(span.attributes['deed.execution.id'], span.name).toBe(executionId)
    expect(span.startMs, span.name).toBeGreaterThanOrEqual(root.startMs)
    expect(span.endMs, span.name).toBeGreaterThanOrEqual(span.startMs)
    if (/^(?:request|send|process) /.test(span.name)) expect(span.attributes).toMatchObject(MESSAGE)
  }
  return root
}

const MESSAGE = {
  'messaging.system.name': 'nats',
  'messaging.operation.name': expect.stringMatching(/^(?:request|send|process)$/),
  'messaging.operation.type': expect.stringMatching(/^(?:send|process)$/),
  'messaging.destination.template': expect.any(String),
  'messaging.destination.name': expect.any(String),
  'messaging.message.body.size': expect.any(Number),
  'server.address': '127.0.0.1',
  'server.port': expect.any(Number),
}
