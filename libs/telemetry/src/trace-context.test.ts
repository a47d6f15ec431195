import { describe, expect, it } from 'vitest'
import {
  derivedSpanId,
  executionIn,
  formatTraceparent,
  isSampled,
  newSpanId,
  newTraceId,
  parseTraceparent,
  traceOf,
  traceparentIn,
} from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('the header traceparent', () => {
  it('is parsed back to what was formatted', () => {
    for (const sampled of [true, false]) {
      const context = { traceId: TRACE, spanId: SPAN, sampled }
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
      expect(isSampled(formatTraceparent(context))).toBe(sampled)
    }
  })

  it('contains trace, span and the sampled flag', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true })
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled).toBe(false)
  })

  it.each(['03', '0b', 'ff', '01'])('is sampled if the lowest bit of the flags is set: %s', (flags) => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.sampled).toBe(true)
  })

  it.each(['02', '0a', 'fe'])('is not sampled if only other bits are set: %s', (flags) => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.sampled).toBe(false)
  })

  it('of a later version is parsed as far as version 00 goes', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes-later`)?.traceId).toBe(TRACE)
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)?.traceId).toBe(TRACE)
  })

  it.each([
    undefined,
    '',
    'nonsense',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01\n`,
    `cc-${TRACE}-${SPAN}-01more`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-0g`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    ` 00-${TRACE}-${SPAN}-01`,
  ])('is rejected if it is malformed: %j', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })

  it('carries the execution inside the mesh, and is itself without it', () => {
    const header = `00-${TRACE}-${SPAN}-01`
    const trace = traceOf(header, 'e-1')
    expect([traceparentIn(trace), executionIn(trace)]).toEqual([header, 'e-1'])
    expect([traceparentIn(header), executionIn(header)]).toEqual([header, undefined])
    expect(executionIn(traceOf(trace, 'e-2'))).toBe('e-2')
    expect(traceOf('', 'e-1')).toBe('')
  })
})

describe('ids', () => {
  it('are unique, also beyond one filling of the random pool', () => {
    const traces = Array.from({ length: 1_000 }, newTraceId)
    const spans = Array.from({ length: 1_000 }, newSpanId)
    expect([new Set(traces).size, new Set(spans).size]).toEqual([1_000, 1_000])
    for (const id of traces) expect(id).toMatch(/^[0-9a-f]{32}$/)
    for (const id of spans) expect(id).toMatch(/^[0-9a-f]{16}$/)
  })

  it('that are derived are equal in every process, and differ for each count', () => {
    expect(derivedSpanId('task', 1)).toMatch(/^[0-9a-f]{16}$/)
    expect(derivedSpanId('task', 1)).toBe(derivedSpanId('task', 1))
    expect(derivedSpanId('task', 2)).not.toBe(derivedSpanId('task', 1))
  })
})
