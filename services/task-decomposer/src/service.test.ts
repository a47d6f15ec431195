// The decomposer as a service, called over a real server with its own credentials.

import { testBus } from '@deed/local/test-bus'
import { decomposeTask } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { startTaskDecomposer } from './service.ts'

describe('task.decompose', () => {
  it('answers with the graph, or with what is wrong with a proposed one', async () => {
    await using mesh = await testBus()
    await using _service = await startTaskDecomposer(readConfig(mesh.environment('task-decomposer')))
    const orchestrator = await mesh.bus('orchestrator')

    const { nodes, method } = await orchestrator.call(decomposeTask, { goal: 'restart demo-api, then check web-01' })
    expect(method).toBe('clauses')
    expect(nodes.map(({ id, depends_on }) => [id, depends_on])).toEqual([
      ['task-1', []],
      ['task-2', ['task-1']],
    ])

    const tasks = [
      { id: 'a', description: 'do a', depends_on: ['b'] },
      { id: 'b', description: 'do b', depends_on: ['a'] },
    ]
    await expect(orchestrator.call(decomposeTask, { goal: 'x', tasks })).rejects.toMatchObject({
      code: 'cyclic_dependency',
      retryable: false,
      details: { cycle: ['a', 'b', 'a'] },
    })
    await expect(orchestrator.call(decomposeTask, { goal: '' })).rejects.toMatchObject({ path: '$.goal' })

    const chain = Array.from({ length: 1_900 }, (_, index) => ({
      id: `t${index}`,
      description: 'x',
      depends_on: index === 0 ? [] : [`t${index - 1}`],
    }))
    const long = await orchestrator.call(decomposeTask, { goal: 'x', tasks: chain.toReversed() })
    expect(long.nodes.map(({ id }) => id)).toEqual(chain.map(({ id }) => id))
  })
})
