/** Whether two values answer the same: equal results, or equal actions. */
import { hashJson } from '@deed/json/canonical-json'
import type { CacheValue } from '@deed/proto/cache'

/** Titles and names are words about a plan; what it does is its actions. */
export const answerHash = (value: CacheValue): string =>
  value.kind === 'answer'
    ? hashJson(value.result)
    : hashJson(
        value.solution.actions.map(({ action: { kind, input, workspace, verify } }) => ({
          kind,
          input,
          workspace,
          verify,
        })),
      )
