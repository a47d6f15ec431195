import type { Handler } from '@deed/mesh/bus'
import type { resolveNames as contract } from '@deed/proto/action'
import { targetFacts, workspaceFacts } from '../attempt/resolved.ts'
import type { World } from '../kind/kind.ts'
import { KINDS } from '../kinds/kinds.ts'

/** The names of a provider's kinds are its own. */
export function resolveNames({ world }: { world: World }): Handler<typeof contract> {
  return async ({ kind, target, workspace }) => ({
    means: KINDS.has(kind)
      ? {
          ...(target === undefined ? {} : targetFacts(world, target)),
          ...(workspace === undefined ? {} : workspaceFacts(world, workspace ?? undefined)),
        }
      : {},
  })
}
