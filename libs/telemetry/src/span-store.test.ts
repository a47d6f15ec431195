import { describe, expect, it } from 'vitest'
import { openSpanStore } from './span-store.ts'

const spanOf = (traceId: string) => ({ traceId })

describe('the store of spans', () => {
  it('forgets the trace that has waited longest for another span when it is full', () => {
    const store = openSpanStore({ spansMax: 4 })
    for (const traceId of ['a', 'b', 'a', 'c']) store.add(spanOf(traceId))
    store.add(spanOf('c'))
    expect(['a', 'b', 'c'].map((traceId) => store.of(traceId).spans.length)).toEqual([2, 0, 2])
  })

  it('keeps a bounded part of a long trace, and says how much is missing', () => {
    const store = openSpanStore({ spansOfTraceMax: 2 })
    for (let index = 0; index < 5; index++) store.add(spanOf('a'))
    expect(store.of('a')).toMatchObject({ spans: [{}, {}], omitted: 3 })
    expect(store.of('b')).toEqual({ spans: [], omitted: 0 })
  })

  it('remembers a bounded number of chosen traces', () => {
    const store = openSpanStore({ chosenMax: 2 })
    expect(['a', 'a', 'b', 'c'].map((traceId) => store.choose(traceId))).toEqual([true, false, true, true])
    expect(['a', 'b', 'c'].map((traceId) => store.isChosen(traceId))).toEqual([false, true, true])
  })
})
