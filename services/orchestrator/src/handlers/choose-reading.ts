import type { Handler } from '@deed/mesh/bus'
import type { chooseReading as contract } from '@deed/proto/person'
import { type Choosing, chooseReading } from '../people/choose-reading.ts'

export function choose(choosing: Choosing): Handler<typeof contract> {
  return async (input, { principal }) => {
    const { execution } = await chooseReading(choosing, principal, input)
    return { approval_id: input.approval_id, execution_id: execution.execution_id, status: execution.status }
  }
}
