import type { Handler } from '@deed/mesh/bus'
import type { processTask as contract } from '@deed/proto/agent'
import type { Understand } from '../understanding/understand.ts'

export function processTask({ understand }: { understand: Understand }): Handler<typeof contract> {
  return async ({ explain, ...task }, { principal, setAttribute }) => {
    const reply = understand(task, { explain, tenant: principal.tenant })
    setAttribute('deed.outcome', reply.outcome)
    if (reply.outcome === 'handled') setAttribute('deed.rule', reply.solution.rule ?? '')
    return reply
  }
}
