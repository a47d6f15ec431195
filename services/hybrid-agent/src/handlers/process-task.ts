import type { Handler } from '@deed/mesh/bus'
import type { processTask as contract } from '@deed/proto/agent'
import type { Understand } from '../understanding/understand.ts'

export function processTask({ understand }: { understand: Understand }): Handler<typeof contract> {
  return async (task, { setAttribute }) => {
    const reply = understand(task)
    setAttribute('deed.outcome', reply.outcome)
    if (reply.outcome === 'handled') setAttribute('deed.rule', reply.solution.rule ?? '')
    return reply
  }
}
