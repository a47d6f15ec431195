import type { Handler } from '@deed/mesh/bus'
import type { explainTask as contract } from '@deed/proto/agent'
import type { Understand } from '../understanding/understand.ts'

export function explainTask({ understand }: { understand: Understand }): Handler<typeof contract> {
  return async ({ task }, { principal }) =>
    understand({ description: task }, { explain: true, tenant: principal.tenant })
}
