import type { Action } from '@deed/proto/action'

type Precondition = 'expect_before' | 'expect_sandbox' | 'expect_resolved' | 'expect_files' | 'observe_only'

/** The action without its preconditions, which an inspection and the policy determine each time. */
export function unsealedOf<A extends Pick<Action, Precondition> | Partial<Pick<Action, Precondition>>>(
  action: A,
): Omit<A, Precondition> {
  const { expect_before, expect_sandbox, expect_resolved, expect_files, observe_only, ...wish } = action
  return wish
}
