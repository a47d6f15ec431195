// The decomposer says which kinds of action a task becomes, and the agent finds its actions: both mean the same.
import type { ExecutionConfig } from '@deed/config/execution-config'
import { Target } from '@deed/config/targets'
import { AgentTask } from '@deed/proto/agent'
import { decompose } from '@deed/task-decomposer/decomposing/decompose'
import { expect, it } from 'vitest'
import { generatedTasks } from '../words/generated-tasks.ts'
import { openUnderstanding } from '../words/world-understanding.ts'

const service = Target.parse({ type: 'process', command: ['node', 'server.mjs'] })
const targets = Object.fromEntries(['demo-api', 'web-01', 'billing', 'worker-2'].map((name) => [name, service]))
const understand = openUnderstanding({
  targets,
  entities: {},
  workspaces: {},
  runbooks: {},
} as unknown as ExecutionConfig)

it('every task whose kinds a method knows is understood as one of these kinds, without a model', () => {
  const others: string[] = []
  const seen = new Set<string>()
  for (const task of generatedTasks(300)) {
    for (const { description, language, check } of decompose(task).nodes) {
      if (check?.by !== 'kind' || seen.has(description)) continue
      seen.add(description)
      const reply = understand(AgentTask.parse({ description, ...(language ? { language } : {}) }))
      const found =
        reply.outcome === 'handled'
          ? reply.solution.actions.map(({ action }) => action.kind)
          : reply.outcome === 'declined' && reply.reason === 'needs_template'
            ? ['code.generate']
            : [reply.outcome]
      if (!found.every((kind) => check.kinds.includes(kind))) others.push(`${description}: ${found} for ${check.kinds}`)
    }
  }
  expect(others).toEqual([])
  expect(seen.size).toBeGreaterThan(100)
})
