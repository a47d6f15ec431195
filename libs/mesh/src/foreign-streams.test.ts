// A foreign stream on a real server that captures requests between services.

import { testBus } from '@deed/local/test-bus'
import { until } from '@deed/process/until'
import { CONTRACTS } from '@deed/proto/contracts'
import { decomposeTask } from '@deed/proto/task'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { foreignStreams, overlap } from './foreign-streams.ts'

describe('a stream that captures the subjects of requests', () => {
  it('is reported, and its acknowledgement is never mistaken for the answer', async () => {
    await using mesh = await testBus()
    const { nc } = await mesh.bus('deed')
    const client = await mesh.bus('orchestrator')
    expect(await foreignStreams(client.nc)).toEqual([])
    const jsm = await nc.jetstreamManager()
    await jsm.streams.add({ name: 'EVERYTHING', subjects: ['task.>', 'weather.*'] })
    await jsm.streams.add({ name: 'QUIET', subjects: ['agent.>'], no_ack: true })

    const server = await mesh.bus('task-decomposer')
    server.serve(decomposeTask, async ({ goal }) => {
      // The stream has already acknowledged.
      await nc.flush()
      const node = {
        id: 'a',
        kind: 'task',
        title: goal,
        description: goal,
        estimated_ms: 1,
        estimated_cost_usd: 0,
      } as const
      return { goal, nodes: [node], method: 'single' as const, critical_path_ms: 1 }
    })
    // A request before the subscription would only reach the stream.
    await server.nc.flush()
    for (const goal of ['one', 'two', 'three', 'four', 'five']) {
      expect((await client.call(decomposeTask, { goal })).goal).toBe(goal)
    }
    await until(async () => (await jsm.streams.info('EVERYTHING')).state.messages === 5, {
      what: 'all five in the stream',
    })
    expect(await foreignStreams(client.nc)).toEqual([
      'stream EVERYTHING also takes task.>: it acknowledges requests before they are answered',
    ])
  })

  it('cannot be confused, since no answer of the mesh begins like an acknowledgement', () => {
    for (const contract of CONTRACTS) {
      if (contract.type !== 'request' || !(contract.output instanceof z.ZodObject)) continue
      expect(Object.keys(contract.output.shape)[0], contract.subject).not.toBe('stream')
    }
  })

  it.each([
    ['task.>', 'task.list', true],
    ['task.>', 'task', false],
    ['>', 'task.list.*.*', true],
    ['task.*', 'task.list', true],
    ['task.*', 'task.list.*.*', false],
    ['*.list', 'task.*.execute', false],
    ['action.lamp.execute', 'action.*.execute', true],
    ['weather.*', 'task.list', false],
  ])('is detected for the patterns %s and %s: %s', (one, other, expected) => {
    expect(overlap(one, other)).toBe(expected)
  })
})
