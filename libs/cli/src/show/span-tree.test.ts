import { describe, expect, it } from 'vitest'
import { unpainted } from '../terminal/paint.ts'
import { type ServedTraceSpan, spanTree } from './span-tree.ts'

const OPTIONS = { paint: unpainted, width: 80, verbose: false }

const span = (id: string, parent: string | null, more: Partial<ServedTraceSpan> = {}): ServedTraceSpan => ({
  trace_id: '0'.repeat(32),
  span_id: id,
  parent_id: parent,
  name: `span ${id}`,
  kind: 'internal',
  service: 'orchestrator',
  start_ms: 0,
  duration_ms: 0,
  failed: false,
  attributes: {},
  events: [],
  links: [],
  ...more,
})

describe('the tree of spans', () => {
  it('shows children below their parents in the order of their beginnings, with times and bars', () => {
    const spans = [
      span('c', 'a', { start_ms: 50, duration_ms: 50, service: 'executor' }),
      span('a', null, { duration_ms: 100 }),
      span('b', 'a', { duration_ms: 25 }),
      span('d', 'c', { start_ms: 99, duration_ms: 0 }),
    ]
    expect(spanTree(spans, OPTIONS).split('\n')).toEqual([
      `span a${' '.repeat(32)}orchestrator         100 ms ██████████████`,
      `├─ span b${' '.repeat(29)}orchestrator          25 ms ████`,
      `└─ span c${' '.repeat(29)}executor              50 ms        ███████`,
      `   └─ span d${' '.repeat(26)}orchestrator           0 ms              █`,
    ])
  })

  it('says why a span failed, and shows details only if asked for', () => {
    const events = [{ name: 'observed', at: 0, attributes: { 'deed.observation': 'it is\nthere' } }]
    const spans = [
      span('a', null, { failed: true, message: 'refused' }),
      span('b', 'a', { events }),
      span('c', 'a', { attributes: { 'db.system.name': 'postgresql' } }),
    ]
    const short = spanTree(spans, OPTIONS)
    expect(short).toContain('\n│  refused\n')
    expect(short).not.toMatch(/observed|span c/)
    expect(spanTree(spans, { ...OPTIONS, verbose: true })).toMatch(/observed: it is.*there[\s\S]*span c/)
  })

  it('marks a span whose parent is not there, and stays within its width', () => {
    const chain = Array.from({ length: 40 }, (_, index) =>
      span(`s${index}`, index === 0 ? 'gone' : `s${index - 1}`, { name: 'n'.repeat(60) }),
    )
    const lines = spanTree(chain, OPTIONS).split('\n')
    expect(lines[0]).toMatch(/^\? n+/)
    expect(lines).toHaveLength(40)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('obeys no control character of a name', () => {
    expect(spanTree([span('a', null, { name: 'chat \u001b[2Jmodel' })], OPTIONS)).toMatch(/^chat model /)
  })
})
