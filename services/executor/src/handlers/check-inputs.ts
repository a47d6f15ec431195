import { errorBody, type Handler } from '@deed/mesh/bus'
import type { checkInputs as contract } from '@deed/proto/action'
import { inputOf, KINDS } from '../kinds/kinds.ts'

/** Kinds of a provider have schemas of their own, which the provider knows. */
export function checkInputs(): Handler<typeof contract> {
  return async ({ actions }) => {
    for (const [index, action] of actions.entries()) {
      const kind = KINDS.get(action.kind)
      if (kind?.version !== action.kind_version) continue
      try {
        inputOf(kind, action)
      } catch (error) {
        return { fault: { index, error: errorBody(error) } }
      }
    }
    return { fault: null }
  }
}
