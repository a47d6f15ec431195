import type { Handler } from '@deed/mesh/bus'
import type { processTask as contract } from '@deed/proto/agent'
import type { Decide } from '../rules/decide.ts'

export function processTask({ decide }: { decide: Decide }): Handler<typeof contract> {
  return async (task, { setAttribute }) => {
    const reply = decide(task)
    setAttribute('deed.outcome', reply.outcome)
    if (reply.outcome === 'handled') setAttribute('deed.rule', reply.solution.rule ?? '')
    return reply
  }
}
