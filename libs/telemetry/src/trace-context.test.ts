import { describe, expect, it } from 'vitest'
import { formatTraceparent, isSampled, newUnsampledTraceparent, parseTraceparent } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

describe('the header traceparent', () => {
  it('is read back as it was written', () => {
    for (const sampled of [true, false]) {
      const context = { traceId: TRACE, spanId: SPAN, sampled }
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
      expect(isSampled(formatTraceparent(context))).toBe(sampled)
    }
  })

  it('names trace, span and the sampled flag', () => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true })
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled).toBe(false)
  })

  it.each(['03', '0b', 'ff', '01'])('is sampled when the lowest bit of the flags says so: %s', (flags) => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.sampled).toBe(true)
  })

  it.each(['02', '0a', 'fe'])('is not sampled when other bits alone are set: %s', (flags) => {
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.sampled).toBe(false)
  })

  it('of a later version is read as far as it is known', () => {
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
  ])('that is malformed is no trace context: %j', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
  })

  it('is another one for every trace', () => {
    // More than one filling of the pool of random bytes.
    const ids = Array.from({ length: 1_000 }, () => parseTraceparent(newUnsampledTraceparent())!)
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(ids.length)
    expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(ids.length)
    for (const { traceId } of ids) expect(traceId).toMatch(/^[0-9a-f]{32}$/)
  })
})
