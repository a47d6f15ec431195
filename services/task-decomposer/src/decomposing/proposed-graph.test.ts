import { DeedError } from '@deed/proto/errors'
import { EDGES_MAX, NODES_MAX } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { decompose } from './decompose.ts'

describe('a proposed graph', () => {
  const task = (id: string, ...depends_on: string[]) => ({
    id,
    description: `do ${id}`,
    depends_on,
    acceptance_criteria: [],
  })
  const propose = (...tasks: ReturnType<typeof task>[]) => decompose({ goal: 'x', tasks })

  function refusal(work: () => unknown): DeedError {
    try {
      work()
    } catch (error) {
      if (error instanceof DeedError) return error
      throw error
    }
    throw new Error('it was accepted')
  }

  it('is sorted, and keeps the given order where no dependency forbids it', () => {
    const { nodes, method } = propose(task('d', 'b', 'c', 'b'), task('c', 'a'), task('b', 'a'), task('a'), task('e'))
    expect(method).toBe('proposed')
    expect(nodes.map(({ id }) => id)).toEqual(['a', 'c', 'b', 'd', 'e'])
    expect(nodes[3]?.depends_on).toEqual(['b', 'c'])
  })

  it('is refused with both positions of a duplicate id', () => {
    expect(refusal(() => propose(task('a'), task('b'), task('a')))).toMatchObject({
      code: 'duplicate_id',
      path: '$.tasks[2].id',
      details: { id: 'a', places: ['$.tasks[0].id', '$.tasks[2].id'] },
    })
  })

  it('is refused with the cycle', () => {
    const { code, details } = refusal(() =>
      propose(task('x'), task('a', 'c'), task('b', 'a'), task('c', 'b', 'x'), task('d', 'a')),
    )
    expect(code).toBe('cyclic_dependency')
    expect(details).toEqual({ cycle: ['a', 'c', 'b', 'a'] })
    expect(refusal(() => propose(task('a', 'a')))).toMatchObject({
      code: 'cyclic_dependency',
      details: { cycle: ['a', 'a'] },
    })
  })

  it('is refused with the name of an unknown dependency', () => {
    expect(refusal(() => propose(task('a'), task('b', 'a', 'z')))).toMatchObject({
      code: 'unknown_dependency',
      path: '$.tasks[1].depends_on[1]',
      details: { id: 'b', dependency: 'z' },
    })
  })

  it('may be a chain of ten thousand, in any order', () => {
    const chain = Array.from({ length: NODES_MAX }, (_, index) =>
      task(`t${index}`, ...(index === 0 ? [] : [`t${index - 1}`])),
    )
    const { nodes, critical_path_ms } = propose(...chain.toReversed())
    expect(nodes[0]?.id).toBe('t0')
    expect(nodes.at(-1)?.id).toBe(`t${NODES_MAX - 1}`)
    expect(critical_path_ms).toBe(nodes.reduce((sum, node) => sum + node.estimated_ms, 0))
    const closed = [...chain.slice(1), task('t0', `t${NODES_MAX - 1}`)]
    expect(refusal(() => propose(...closed)).details?.cycle).toHaveLength(NODES_MAX + 1)
  })

  it('has limits', () => {
    const many = Array.from({ length: NODES_MAX + 1 }, (_, index) => task(`t${index}`))
    expect(refusal(() => propose(...many)).code).toBe('too_many_nodes')
    const left = Array.from({ length: 400 }, (_, index) => task(`l${index}`))
    const ids = left.map(({ id }) => id)
    const right = Array.from({ length: EDGES_MAX / 400 + 1 }, (_, index) => task(`r${index}`, ...ids))
    expect(refusal(() => propose(...left, ...right)).code).toBe('too_many_edges')
  })
})
