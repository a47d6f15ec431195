import type { Handler } from '@deed/mesh/bus'
import type { recordRefusals as contract } from '@deed/proto/audit'
import { DeedError } from '@deed/proto/errors'
import { serviceAs } from '@deed/proto/permissions'
import type { Anchors } from '../audit/anchor-heads.ts'

const CONSOLE = serviceAs('console')

export function recordRefusals({ anchors }: { anchors: Pick<Anchors, 'refused'> }): Handler<typeof contract> {
  return async ({ tenant, refusals }, { principal }) => {
    if (principal.tenant !== CONSOLE.tenant || principal.user !== CONSOLE.user)
      throw new DeedError('forbidden', 'only the console records what it refused')
    return { number: await anchors.refused(tenant, refusals) }
  }
}
